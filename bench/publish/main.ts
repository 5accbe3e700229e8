import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import { type Cost, runNode } from "../node_process.ts";
import { type Drafts, writeDrafts } from "./drafts.ts";
import { type Edge, serveCommand, workerd } from "./edges.ts";

/*
 * npm run bench:publish [-- KERNELS [serve|workerd]]
 *
 * Measures publishing one update to 20,000 kernels with `rebootless-publish push`: first to kernels that the feed does not
 * have yet, then a second update on top, then its recall. It does so against `rebootless-publish serve` with files, and
 * against the Worker in real workerd with miniflare's R2 on the disk. The floor signs and writes as much and does nothing
 * else. The last line is JSON.
 */

const KERNELS = Number(process.argv[2] ?? 20_000);
const WHICH = process.argv[3];
const PUBLISH = join(projectRoot, "dist/rebootless-publish.cjs");

interface Pushed {
  readonly seconds: number;
  readonly kernels_per_second: number;
  readonly bytes: number;
  readonly requests: number;
  readonly modules: number;
  readonly publisher_cpu: number;
  readonly edge_cpu: number;
}

const out = (text: string) => process.stdout.write(`${text}\n`);
const round = (value: number) => Math.round(value * 100) / 100;

const push = (edge: Edge, feed: string, { folder, modules }: Drafts, report: string) =>
  publish(edge, ["push", feed, folder, "--module", modules], report);

async function publish(edge: Edge, args: readonly string[], report: string): Promise<Pushed> {
  const before = await edge.cpuMs();
  const { wallMs, cpuMs } = await runNode([PUBLISH, ...args, "--feed", edge.url, "--yes", "--json"], {
    output: report,
  });
  const after = await edge.cpuMs();
  const said = JSON.parse(await readFile(report, "utf8")) as Record<string, number>;
  if (said["published"] !== KERNELS) throw new Error(`published ${said["published"]} of ${KERNELS} kernels`);
  const pushed = {
    seconds: round(wallMs / 1000),
    kernels_per_second: Math.round(KERNELS / (wallMs / 1000)),
    bytes: Number(said["bytes"]),
    requests: Number(said["requests"]),
    modules: Number(said["files"]),
    publisher_cpu: round(cpuMs / 1000),
    edge_cpu: round((after - before) / 1000),
  };
  out(`  ${JSON.stringify(pushed)}`);
  return pushed;
}

/** Checks that the feed has what was pushed. Returns its bytes. */
async function check(edge: Edge, drafts: Drafts, updates: number): Promise<number> {
  const [kernel] = (await readdir(drafts.folder)).filter((name) => name.endsWith(".json"));
  const answer = await fetch(new URL(`kernels/${kernel?.slice(0, -5)}/feed.json`, edge.url));
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const manifest = decodeManifest(decodeBundle(bytes).manifest);
  if (manifest.updates.length !== updates) throw new Error("the feed does not have the update");
  return bytes.length;
}

async function floor(work: string, bytes: number): Promise<Cost> {
  const program = join(work, "floor.mjs");
  const entryPoints = [join(projectRoot, "bench/publish/floor.ts")];
  await build({ entryPoints, outfile: program, platform: "node", format: "esm", bundle: true });
  return runNode([program, join(work, "floor"), String(KERNELS), String(bytes)]);
}

const work = await mkdtemp(join(tmpdir(), "rebootless-publish-bench-"));
try {
  const feed = join(work, "feed");
  await runNode([PUBLISH, "init", feed, "--no-passphrase"]);
  out(`${KERNELS} drafts`);
  const first = await writeDrafts(work, "fix-1", KERNELS);
  const second = await writeDrafts(work, "fix-2", KERNELS);
  const vars = join(feed, "edge.vars");
  const edges: Record<string, (data: string) => Promise<Edge>> = {
    serve: (data) => serveCommand(data, vars),
    workerd: (data) => workerd(data, vars),
  };
  const results: Record<string, Readonly<Record<string, Pushed>>> = {};
  let bytes = 0;
  for (const [name, start] of Object.entries(edges).filter(([one]) => WHICH === undefined || one === WHICH)) {
    const edge = await start(join(work, name));
    try {
      out(`${name}: new kernels, then an update on top, then its recall`);
      const fresh = await push(edge, feed, first, join(work, "report.json"));
      const update = await push(edge, feed, second, join(work, "report.json"));
      bytes = await check(edge, second, 2);
      const recall = await publish(
        edge,
        ["recall", feed, "fix-2", "--reason", "it is slow"],
        join(work, "report.json"),
      );
      results[name] = { new: fresh, update, recall };
    } finally {
      await edge.stop();
    }
  }
  const least = await floor(work, bytes);
  const floorSeconds = least.wallMs / 1000;
  out(`floor: ${round(floorSeconds)} s, ${round(least.cpuMs / 1000)} s of CPU`);
  const ratio = ({ seconds, publisher_cpu, edge_cpu }: Pushed) => ({
    seconds: round(seconds / floorSeconds),
    cpu: round((publisher_cpu + edge_cpu) / (least.cpuMs / 1000)),
  });
  const named = Object.entries(results).map(([name, pushed]) => {
    const cases = Object.entries(pushed).map(([kind, one]) => [kind, { ...one, to_floor: ratio(one) }]);
    return [name, Object.fromEntries(cases)];
  });
  out(
    JSON.stringify({
      bench: "publish",
      kernels: KERNELS,
      feed_bytes: bytes,
      floor: { seconds: round(floorSeconds), cpu: round(least.cpuMs / 1000) },
      ...Object.fromEntries(named),
    }),
  );
} finally {
  await rm(work, { recursive: true });
}
