import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSource } from "../../publisher/create/source/source_tree.ts";
import { unifiedDiff } from "../../test/proof/create/changed_files.ts";
import { edited } from "../../test/proof/create/kinds/edit.ts";
import { cacheDirectory } from "../../test/support/guest/machine.ts";
import { servedBuilds } from "./kernels.ts";
import { makeTogether, manyKernels, type TwoSides } from "./many.ts";
import type { TreeCost } from "./measured.ts";
import { type OneKernel, oneKernel } from "./one.ts";
import { type BenchInput, withoutObjects } from "./runs.ts";

/*
 * npm run bench:create [-- ROUNDS KERNELS]
 *
 * From a patch of one file to a module, its draft and report, for one kernel and for several. Kernels, headers and sources
 * are packages: the newest ones of 6.1 that apt offers. The patch changes one function, in lines that all of them have.
 * Before anything is measured, sources are unpacked and trees prepared, as they are for each fix but the first; they are
 * kept for the next run. A table on stdout; its last line is one line of JSON.
 *
 * One kernel: warm (nothing is compiled) and again (all is in the cache), beside kbuild compiling the same object twice in
 * the same tree.
 *
 * Several kernels: one run of `create --kernels` beside one run of `create` for each of them, one after the other. Both
 * sides use the same packages, sources and trees with nothing compiled, and take turns at being the first. They have the
 * options that they have by default, and must make the same modules. Memory is that of all processes of a run together, at
 * the peak.
 */

const FILE = "fs/ext4/mballoc.c";
/** What the patch changes: blocks that are given back to a file system are counted first. */
const EDIT = {
  from: /^int ext4_group_add_blocks\(/,
  at: /^\tif \(count == 0\)$/,
  put: "instead",
  lines: ["\tif (count == 0 || count > INT_MAX)"],
} as const;

const AIM = { warmToBare: 1.2, togetherToSingle: 0.5, peakMb: 1024 };

const [releases = "", rounds = "3"] = process.argv.slice(2);
const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** Makes the patch out of one kernel's source. */
async function makePatch(root: string, work: string): Promise<string> {
  const after = join(work, "after.c");
  await writeFile(after, edited(await readFile(join(root, FILE), "latin1"), [EDIT]), "latin1");
  const patch = join(work, "fix.patch");
  await writeFile(patch, await unifiedDiff(join(root, FILE), after, FILE), "latin1");
  return patch;
}

/** Fetches, unpacks and prepares everything. */
async function prepare(work: string, cache: string): Promise<BenchInput> {
  const { list, builds } = await servedBuilds(releases.split(","), work, progress);
  const [{ source = "" } = { source: "" }] = builds;
  const patch = await makePatch((await openSource(source, cache, progress)).root, work);
  const input = { patch, file: FILE, list, builds, cache, work };
  progress("preparing the kernels' trees, where that was not done before");
  await makeTogether(input, join(work, "prepared"));
  return input;
}

const ratio = (of: TreeCost, to: TreeCost): number => Number((of.wallMs / to.wallMs).toFixed(2));

function tell(one: OneKernel, { together, single }: TwoSides, count: number): void {
  const rows = { ...one, [`${count} kernels together`]: together, [`${count} kernels one by one`]: single };
  for (const [name, { wallMs, peakMb }] of Object.entries(rows)) {
    const [seconds, megabytes] = [(wallMs / 1000).toFixed(1).padStart(7), peakMb.toFixed(0).padStart(6)];
    process.stdout.write(`${name.padEnd(22)} ${seconds} s ${megabytes} MB\n`);
  }
  const json = Object.fromEntries(
    Object.entries({ ...one, together, single }).map(([name, { wallMs, peakMb }]) => [
      name,
      { ms: Math.round(wallMs), peak_mb: Math.round(peakMb) },
    ]),
  );
  const [warmToBare, togetherToSingle] = [ratio(one.warm, one.bare), ratio(together, single)];
  const isMet =
    warmToBare <= AIM.warmToBare &&
    togetherToSingle <= AIM.togetherToSingle &&
    Math.max(one.warm.peakMb, together.peakMb) < AIM.peakMb;
  const ratios = { warm_to_bare: warmToBare, together_to_single: togetherToSingle, aim_met: isMet };
  const about = { file: FILE, rounds: Number(rounds), kernels: count };
  process.stdout.write(`${JSON.stringify({ ...about, ...json, ...ratios })}\n`);
}

/** Measures with the cache of the proofs. The objects in it are put aside meanwhile. */
async function main(): Promise<void> {
  const cache = join(cacheDirectory, "create/work");
  const work = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
  const objects = join(cache, "objects");
  const aside = `${objects}.${process.pid}`;
  const isKept = await rename(objects, aside).then(
    () => true,
    () => false,
  );
  try {
    const input = await prepare(work, cache);
    const many = await manyKernels(input, Number(rounds));
    tell(await oneKernel(input, Number(rounds)), many, input.builds.length);
  } finally {
    await withoutObjects(cache);
    if (isKept) await rename(aside, objects);
    await rm(work, { recursive: true, force: true });
  }
}

await main();
