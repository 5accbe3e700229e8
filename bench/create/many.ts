import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { medians } from "../node_process.ts";
import { measured, type TreeCost } from "./measured.ts";
import { type BenchInput, createFor, PUBLISH, withoutObjects } from "./runs.ts";

/** What the same fix cost in one run for all kernels, and in a run for each of them. */
export interface TwoSides {
  readonly together: TreeCost;
  readonly single: TreeCost;
}

/** Measures the way of one patch to the updates of several kernels whose trees are prepared. */
export async function manyKernels(input: BenchInput, rounds: number): Promise<TwoSides> {
  const all: TwoSides[] = [];
  for (let round = 0; round < rounds; round++) all.push(await bothSides(input, round % 2 === 0));
  return {
    together: medians(all.map(({ together }) => together)),
    single: medians(all.map(({ single }) => single)),
  };
}

async function bothSides(input: BenchInput, isTogetherFirst: boolean): Promise<TwoSides> {
  const folder = await mkdtemp(join(input.work, "made-"));
  const [one, other] = [join(folder, "together"), join(folder, "single")];
  const first = isTogetherFirst ? await makeTogether(input, one) : undefined;
  const single = await makeSingly(input, other);
  const together = first ?? (await makeTogether(input, one));
  assert.deepEqual(await modulesIn(one), await modulesIn(other), "both sides make the same modules");
  await rm(folder, { recursive: true });
  return { together, single };
}

/** Makes the updates of all kernels in one run. */
export async function makeTogether({ patch, list, cache }: BenchInput, output: string): Promise<TreeCost> {
  await withoutObjects(cache);
  const words = [
    ...[PUBLISH, "create", "--patch", patch, "--kernels-file", list.file, "--package-cache", list.packages],
    ...list.releases.flatMap((release) => ["--kernels", release]),
    ...["--cache", cache, "-o", output],
  ];
  return await measured(process.execPath, words);
}

async function makeSingly({ patch, builds, cache }: BenchInput, output: string): Promise<TreeCost> {
  await withoutObjects(cache);
  const costs: TreeCost[] = [];
  for (const [at, build] of builds.entries())
    costs.push(await createFor(build, patch, cache, join(output, String(at))));
  return {
    wallMs: costs.reduce((sum, { wallMs }) => sum + wallMs, 0),
    peakMb: Math.max(...costs.map(({ peakMb }) => peakMb)),
  };
}

/** The digests of all modules in a folder. */
async function modulesIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".ko"));
  const digests = await Promise.all(names.map(async (name) => sha256Of(await readFile(join(folder, name)))));
  assert(digests.length > 0, `${folder} has no module`);
  return digests.sort();
}
