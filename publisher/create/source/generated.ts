import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/** The folders in which kbuild puts the headers that it makes. */
const GENERATED = ["include/generated", "arch/x86/include/generated"] as const;
/** The headers that describe the build itself. Only the banner is made from them. */
const OF_THE_BUILD = /\/(?:compile|package|utsversion)\.h$/;
/** The compiled files from which kbuild takes the numbers of bounds.h, rq-offsets.h and asm-offsets.h. */
const NUMBERS = ["kernel/bounds.s", "kernel/sched/rq-offsets.s", "arch/x86/kernel/asm-offsets.s"] as const;

/** The digests of generated headers, by their paths in the build folder. */
export type GeneratedHeaders = ReadonlyMap<string, string>;

/** Returns the paths of generated headers below a build folder, relative to it and in order. */
export async function generatedPaths(out: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(out, folder), { withFileTypes: true }).catch(() => [])) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) await visit(path);
      else if (path.endsWith(".h") && !OF_THE_BUILD.test(path)) found.push(path);
    }
  };
  for (const folder of GENERATED) await visit(folder);
  return found.sort();
}

export async function generatedHeaders(out: string): Promise<GeneratedHeaders> {
  const headers = new Map<string, string>();
  for (const path of await generatedPaths(out)) {
    const content = await readFile(join(out, path));
    headers.set(path, createHash("sha256").update(content).digest("hex"));
  }
  return headers;
}

/** Returns the paths of the headers that only one build folder has, or that differ. */
export const differingHeaders = (one: GeneratedHeaders, other: GeneratedHeaders): readonly string[] =>
  [...new Set([...one.keys(), ...other.keys()])].filter((path) => one.get(path) !== other.get(path)).sort();

/**
 * Removes generated headers, and the numbers that some of them are made from, so that make generates them again. It
 * would not do so by itself after a patch was taken back, because the restored source is older than they are.
 */
export async function removeGenerated(out: string, paths: readonly string[]): Promise<void> {
  for (const path of [...paths, ...NUMBERS]) await rm(join(out, path), { force: true });
}
