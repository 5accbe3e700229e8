import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { feedPath, manifestTarget } from "../../shared/feed/paths.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import { medians } from "../node_process.ts";
import { measure, type Run } from "./measure.ts";
import { kernelNumber, makeRepository } from "./repository.ts";
import { serve } from "./server.ts";

/*
 * What a poll costs: our client and tuf-js on the same repository of 20,000 kernels, with `node -e 0` as the floor, and beside
 * it what no poll goes below: one conditional request by node:http, and the same by commander and node-fetch, compiled once
 * as the host's command is. In turns within one run. The kernel polled for is the one this machine runs. Run as root, after
 * `npm run build`.
 */

const KERNELS = Number(process.argv[2] ?? 20_000);
const UPDATES = 3;
const ROUNDS = Number(process.argv[3] ?? 15);

const buildId = gnuBuildId(await readFile("/sys/kernel/notes"));
if (!buildId) throw new Error("this machine's kernel has no build ID");
const work = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
const repository = await makeRepository();
const server = await serve(repository.root);
process.stderr.write(`signing ${KERNELS} kernels\n`);
for (let n = 1; n < KERNELS; n++) await server.put(await repository.bundle(kernelNumber(n), 1, UPDATES));

let version = 0;
const publishOwn = async () => server.put(await repository.bundle(buildId, ++version, UPDATES));
await publishOwn();

const rootFile = join(work, "root.json");
await writeFile(rootFile, repository.root);
const peer = join(work, "tuf_js.mjs");
await build({
  entryPoints: [join(projectRoot, "bench/poll/tuf_js.ts")],
  outfile: peer,
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node20",
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});

const places = ["--config-dir", join(work, "etc"), "--state-dir", join(work, "state")];
const ours = [join(projectRoot, "dist/rebootless.cjs"), ...places, "--quiet"];
const theirs = [
  peer,
  join(work, "tuf-js"),
  `${server.url}kernels/${buildId}`,
  manifestTarget(buildId),
  rootFile,
];
await measure([...ours, "init", "--offline", "--feed", server.url, "--root", rootFile], server);
const check = [...ours, "check"];
const feed = `${server.url}${feedPath(buildId)}`;
const bare = [join(projectRoot, "bench/poll/bare_request.cjs"), feed];
const packages = join(work, "packages-alone.cjs");
await copyFile(join(projectRoot, "dist/packages-alone.cjs"), packages);
const packagesAlone = [join(projectRoot, "bench/poll/compiled_once.cjs"), packages, feed];
await measure(packagesAlone, server);
await measure(check, server);
await measure(theirs, server);

const runs: Record<string, Run[]> = {
  floor: [],
  bare: [],
  packages: [],
  same: [],
  samePeer: [],
  changed: [],
  changedPeer: [],
};
for (let round = 0; round < ROUNDS; round++) {
  runs["floor"]?.push(await measure(["-e", "0"], server));
  runs["bare"]?.push(await measure(bare, server));
  runs["packages"]?.push(await measure(packagesAlone, server));
  runs["same"]?.push(await measure(check, server));
  runs["samePeer"]?.push(await measure(theirs, server));
  await publishOwn();
  runs["changed"]?.push(await measure(check, server));
  runs["changedPeer"]?.push(await measure(theirs, server));
}
await server.close();
await rm(work, { recursive: true });

const of = (name: string): Run => medians(runs[name] ?? []);
const floor = of("floor");
const rows: readonly (readonly [string, Run])[] = [
  ["node -e 0", floor],
  ["node:http, one request", of("bare")],
  ["commander, node-fetch, one", of("packages")],
  ["rebootless check, nothing new", of("same")],
  ["tuf-js, nothing new", of("samePeer")],
  ["rebootless check, changed", of("changed")],
  ["tuf-js, changed", of("changedPeer")],
];
const out = (text: string) => process.stdout.write(`${text}\n`);
out(
  `medians of ${ROUNDS} rounds; ${KERNELS} kernels, ${UPDATES} updates each; bytes on the wire, headers included`,
);
out(`${"".padEnd(32)}requests     up   down   wall ms    cpu ms    rss MB   wall/floor`);
for (const [name, run] of rows) {
  const cells = [
    run.requests,
    run.up,
    run.down,
    run.wallMs.toFixed(0),
    run.cpuMs.toFixed(0),
    run.rssMb.toFixed(0),
  ];
  const widths = [8, 7, 7, 10, 10, 10];
  const columns = cells.map((cell, i) => String(cell).padStart(widths[i] ?? 0)).join("");
  out(`${name.padEnd(32)}${columns}${(run.wallMs / floor.wallMs).toFixed(2).padStart(13)}`);
}
const round = (n: number) => Math.round(n * 100) / 100;
const toFloor = (run: Run) => ({
  wall_to_floor: round(run.wallMs / floor.wallMs),
  rss_to_floor: round(run.rssMb / floor.rssMb),
});
const [same, samePeer] = [of("same"), of("samePeer")];
const [changed, changedPeer] = [of("changed"), of("changedPeer")];
out(
  JSON.stringify({
    bench: "poll",
    feed: feedPath(buildId),
    bare_request: toFloor(of("bare")),
    packages_alone: toFloor(of("packages")),
    same: {
      down_bytes: same.down,
      requests: same.requests,
      ...toFloor(same),
      wall_to_packages_alone: round(same.wallMs / of("packages").wallMs),
      wall_to_tuf_js: round(same.wallMs / samePeer.wallMs),
      down_to_tuf_js: round(same.down / samePeer.down),
    },
    changed: {
      down_bytes: changed.down,
      requests: changed.requests,
      wall_to_floor: round(changed.wallMs / floor.wallMs),
      wall_to_tuf_js: round(changed.wallMs / changedPeer.wallMs),
      down_to_tuf_js: round(changed.down / changedPeer.down),
    },
  }),
);
