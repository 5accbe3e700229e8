import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeVariables } from "../../publisher/create/source/kbuild.ts";
import { openSource } from "../../publisher/create/source/source_tree.ts";
import { differencePatch } from "../../test/proof/create/one_file.ts";
import { readPair, type SourcePair } from "../../test/proof/create/pair.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import { medians } from "../node_process.ts";
import { measured, type TreeCost } from "./measured.ts";

/*
 * npm run bench:create [-- ROUNDS]
 *
 * From a patch of one file to a module, its draft and report: cold (nothing is in the cache but the unpacked source), warm
 * (the tree is prepared, nothing compiled) and again (all is in the cache), beside kbuild compiling the same object twice in
 * the same tree. The kernel is given as its package. A table on stdout; its last line is one line of JSON.
 */

const FILE = "fs/ext4/mballoc.c";
const PUBLISH = join(projectRoot, "dist/rebootless-publish.cjs");
const AIM = { warmToBare: 1.2, peakMb: 1024 };

const [pairFile = "", rounds = "3"] = process.argv.slice(2);

async function create(pair: SourcePair, source: string, patch: string, cache: string): Promise<TreeCost> {
  const output = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
  const inputs = [
    "--patch",
    patch,
    "--source",
    source,
    "--image",
    pair.image,
    "--headers",
    pair.kernel.headers,
  ];
  try {
    return await measured(process.execPath, [
      PUBLISH,
      "create",
      ...inputs,
      "--cache",
      cache,
      "-o",
      join(output, "made"),
    ]);
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

/** kbuild's own work: the object, twice. */
async function bare(cache: string): Promise<TreeCost> {
  const [tree = ""] = await readdir(join(cache, "trees"));
  const folder = join(cache, "trees", tree);
  const config = await readFile(join(folder, "out/.config"), "utf8");
  const object = FILE.replace(/\.c$/, ".o");
  const once = `rm -f "$out/$object" && make -s -C "$tree" O="$out" "$@" "$object"`;
  const script = `tree=$1/tree out=$1/out object=$2; shift 2; ${once} && ${once}`;
  return measured("sh", ["-c", script, "sh", folder, object, ...makeVariables(join(folder, "out"), config)]);
}

async function main(): Promise<void> {
  const pair = await readPair(pairFile);
  const source = (await openSource(pair.sources.from, pair.cache, () => undefined)).root;
  const patch = await differencePatch(pair, FILE);
  const cache = await mkdtemp(join(tmpdir(), "rebootless-bench-cache-"));
  try {
    const cold = await create(pair, source, patch, cache);
    const runs: Record<"warm" | "again" | "bare", TreeCost[]> = { warm: [], again: [], bare: [] };
    for (let round = 0; round < Number(rounds); round++) {
      await rm(join(cache, "objects"), { recursive: true, force: true });
      runs.warm.push(await create(pair, source, patch, cache));
      runs.again.push(await create(pair, source, patch, cache));
      runs.bare.push(await bare(cache));
    }
    const all = { cold, warm: medians(runs.warm), again: medians(runs.again), bare: medians(runs.bare) };
    for (const [name, { wallMs, peakMb }] of Object.entries(all))
      process.stdout.write(
        `${name.padEnd(6)} ${(wallMs / 1000).toFixed(1).padStart(7)} s ${peakMb.toFixed(0).padStart(6)} MB\n`,
      );
    const rounded = Object.fromEntries(
      Object.entries(all).map(([name, { wallMs, peakMb }]) => [
        name,
        { ms: Math.round(wallMs), peak_mb: Math.round(peakMb) },
      ]),
    );
    const ratio = Number((all.warm.wallMs / all.bare.wallMs).toFixed(2));
    const met = ratio <= AIM.warmToBare && Math.max(cold.peakMb, all.warm.peakMb) < AIM.peakMb;
    process.stdout.write(
      `${JSON.stringify({ file: FILE, rounds: Number(rounds), ...rounded, warm_to_bare: ratio, aim_met: met })}\n`,
    );
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

await main();
