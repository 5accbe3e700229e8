import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeVariables } from "../../publisher/create/source/kbuild.ts";
import { medians } from "../node_process.ts";
import { measured, type TreeCost } from "./measured.ts";
import { type BenchInput, createFor, withoutObjects } from "./runs.ts";

/** What one fix for one kernel cost: with nothing compiled, with all in the cache, and kbuild alone. */
export type OneKernel = Readonly<Record<"warm" | "again" | "bare", TreeCost>>;

/** Measures the way of a patch to the update of the first kernel, whose tree is prepared. */
export async function oneKernel(
  { patch, file, list, builds, cache, work }: BenchInput,
  rounds: number,
): Promise<OneKernel> {
  const [build] = builds;
  const [release] = list.releases;
  assert(build !== undefined && release !== undefined, "there is a kernel");
  const tree = await treeOf(release, cache);
  const create = async (): Promise<TreeCost> =>
    createFor(build, patch, cache, join(await mkdtemp(join(work, "one-")), "made"));
  const runs: Record<keyof OneKernel, TreeCost[]> = { warm: [], again: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    await withoutObjects(cache);
    runs.warm.push(await create());
    runs.again.push(await create());
    runs.bare.push(await bare(tree, file));
  }
  return { warm: medians(runs.warm), again: medians(runs.again), bare: medians(runs.bare) };
}

/** Returns the folder of a kernel's prepared tree. */
async function treeOf(release: string, cache: string): Promise<string> {
  for (const name of await readdir(join(cache, "trees"))) {
    const folder = join(cache, "trees", name);
    const made = await readFile(join(folder, "out/include/generated/utsrelease.h"), "utf8").catch(() => "");
    if (made.includes(`"${release}"`)) return folder;
  }
  throw new Error(`${release} has no prepared tree`);
}

/** kbuild's own work: the object, twice. */
async function bare(folder: string, file: string): Promise<TreeCost> {
  const config = await readFile(join(folder, "out/.config"), "utf8");
  const object = file.replace(/\.c$/, ".o");
  const once = `rm -f "$out/$object" && make -s -C "$tree" O="$out" "$@" "$object"`;
  const script = `tree=$1/tree out=$1/out object=$2; shift 2; ${once} && ${once}`;
  return measured("sh", ["-c", script, "sh", folder, object, ...makeVariables(join(folder, "out"), config)]);
}
