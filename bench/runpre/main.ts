import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprintWhole, kernelFile } from "../../publisher/fingerprint/kernel_file.ts";
import { openKernelImage } from "../../publisher/image/kernel_image.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import { findKernel, type Kernel, newestKernel, projectRoot } from "../../test/support/guest/machine.ts";
import { type Cost, medians, runNode } from "../node_process.ts";
import { type Core, writeCore } from "./core.ts";

/*
 * npm run bench:runpre [-- ROUNDS]
 *
 * What checking a kernel's code costs: `rebootless verify --kernel` on a core file of a booted kernel, with the
 * fingerprints of 1, 100 and all functions, beside a process that reads the same bytes and digests them, in turns.
 * A table on stdout; its last line is one line of JSON. Its `ratio` is the worst of all kernels: the time that checking
 * all functions takes, to the time of the process beside it.
 */

const ROUNDS = Number(process.argv[2] ?? 9);
const REBOOTLESS = join(projectRoot, "dist/rebootless.cjs");
const FLOOR = join(projectRoot, "bench/runpre/floor.cjs");

interface Case {
  readonly name: string;
  readonly functions: number;
  readonly bytes: number;
  readonly fingerprintBytes: number;
  readonly ours: readonly string[];
  readonly floor: readonly string[];
}

/** `count` functions, as far apart as can be. */
function sample(functions: readonly FunctionFingerprint[], count: number): readonly FunctionFingerprint[] {
  const every = functions.length / count;
  return Array.from({ length: count }, (_, i) => functions[Math.floor((i + 0.5) * every)]).flatMap((fn) =>
    fn === undefined ? [] : [fn],
  );
}

async function casesOf(kernel: Kernel, core: Core, directory: string): Promise<readonly Case[]> {
  const image = openKernelImage(new Uint8Array(await readFile(kernel.vmlinuz)));
  const { functions } = fingerprintWhole(image);
  const sets = [
    ["one function", sample(functions, 1)],
    ["100 functions", sample(functions, 100)],
    ["all functions", functions],
  ] as const;
  const cases: Case[] = [];
  for (const [name, some] of sets) {
    const file = join(directory, `${some.length}.fp`);
    const fingerprints = kernelFile(image, { functions: some, refused: [] });
    await writeFile(file, fingerprints);
    // All functions adjoin each other: the floor reads and digests their bytes at one go.
    const ranges: readonly (readonly [number, number])[] =
      some === functions ? [[0, image.textEnd]] : some.map(({ offset, size }) => [offset, size]);
    cases.push({
      name,
      functions: some.length,
      bytes: ranges.reduce((sum, [, size]) => sum + size, 0),
      fingerprintBytes: fingerprints.length,
      ours: [REBOOTLESS, "verify", "--kernel", "--fingerprints", file, "--kcore", core.path, "--json"],
      floor: [FLOOR, core.path, ...ranges.map(([offset, size]) => `${core.textAt + offset},${size}`)],
    });
  }
  return cases;
}

interface Row {
  readonly ours: Cost;
  readonly floor: Cost;
}

async function measure({ ours, floor }: Case): Promise<Row> {
  const runs: Row[] = [];
  // The first round fills the page cache and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    const row = { floor: await runNode(floor), ours: await runNode(ours) };
    if (round > 0) runs.push(row);
  }
  return { ours: medians(runs.map((run) => run.ours)), floor: medians(runs.map((run) => run.floor)) };
}

const out = (text: string): void => void process.stdout.write(`${text}\n`);
const round = (n: number): number => Math.round(n * 100) / 100;
const cell = (value: number | string): string => String(value).padStart(12);

interface Result {
  readonly functions: number;
  readonly wall_ms: number;
  readonly floor_ms: number;
  readonly wall_to_floor: number;
  readonly cpu_to_floor: number;
  readonly rss_mb: number;
  readonly fingerprint_bytes: number;
}

function report({ name, functions, bytes, fingerprintBytes }: Case, { ours, floor }: Row): Result {
  const ratio = round(ours.wallMs / floor.wallMs);
  const cells = [
    functions,
    bytes,
    fingerprintBytes,
    ours.wallMs.toFixed(0),
    floor.wallMs.toFixed(0),
    ratio,
    round(ours.cpuMs / floor.cpuMs),
    ours.rssMb.toFixed(0),
    floor.rssMb.toFixed(0),
  ];
  out(`${name.padEnd(16)}${cells.map(cell).join("")}`);
  return {
    functions,
    wall_ms: round(ours.wallMs),
    floor_ms: round(floor.wallMs),
    wall_to_floor: ratio,
    cpu_to_floor: round(ours.cpuMs / floor.cpuMs),
    rss_mb: round(ours.rssMb),
    fingerprint_bytes: fingerprintBytes,
  };
}

const COLUMNS = [
  "functions",
  "bytes",
  "prints",
  "wall ms",
  "floor ms",
  "wall/floor",
  "cpu/floor",
  "rss MB",
  "floor MB",
];

interface KernelResult {
  readonly kernel: string;
  readonly one: Result;
  readonly hundred: Result;
  readonly all: Result;
}

async function bench(kernel: Kernel): Promise<KernelResult> {
  const directory = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
  try {
    process.stderr.write(`booting ${kernel.version}\n`);
    const cases = await casesOf(kernel, await writeCore(kernel, join(directory, "core")), directory);
    out(`${kernel.version}, medians of ${ROUNDS} rounds`);
    out(`${"".padEnd(16)}${COLUMNS.map(cell).join("")}`);
    const results: Result[] = [];
    for (const each of cases) results.push(report(each, await measure(each)));
    const [one, hundred, all] = results;
    if (one === undefined || hundred === undefined || all === undefined) throw new Error("a case is missing");
    return { kernel: kernel.version, one, hundred, all };
  } finally {
    await rm(directory, { recursive: true });
  }
}

const { wallMs: node } = medians([
  await runNode(["-e", "0"]),
  await runNode(["-e", "0"]),
  await runNode(["-e", "0"]),
]);
const kernels: KernelResult[] = [];
for (const kernel of new Set([findKernel("secondary"), findKernel("primary"), newestKernel()]))
  kernels.push(await bench(kernel));
const ratio = Math.max(...kernels.map(({ all }) => all.wall_to_floor));
out(JSON.stringify({ bench: "runpre", ratio, node_ms: round(node), kernels }));
