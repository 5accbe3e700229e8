import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { objectOf } from "./affected.ts";
import type { FileChange } from "./apply_patch.ts";
import { failures, make, OBJECT_FLAGS } from "./kbuild.ts";
import { type CompiledUnit, type ObjectCache, objectKey } from "./object_cache.ts";
import type { Workspace } from "./workspace.ts";

/** A compiled unit, or the messages of the compiler. */
export type CompileOutcome =
  | { readonly kind: "compiled"; readonly unit: CompiledUnit }
  | { readonly kind: "failed"; readonly output: readonly string[] };

/**
 * Compiles objects from the unpatched or the patched source, unless they are in the cache.
 * @param changes none for the unpatched source.
 * @returns an outcome for each object.
 */
export async function compileObjects(
  workspace: Workspace,
  cache: ObjectCache,
  objects: readonly string[],
  changes: readonly FileChange[],
): Promise<ReadonlyMap<string, CompileOutcome>> {
  const key = compiledKey(workspace, changes);
  const outcomes = new Map<string, CompileOutcome>();
  for (const object of objects) {
    const unit = await cache.read(key(object));
    if (unit !== undefined) outcomes.set(object, { kind: "compiled", unit });
  }
  const missing = objects.filter((object) => !outcomes.has(object));
  if (missing.length === 0) return outcomes;
  const run = (): Promise<ReadonlyMap<string, CompileOutcome>> => makeObjects(workspace, missing);
  const made = changes.length === 0 ? await run() : await workspace.patched(changes, run);
  for (const [object, outcome] of made) {
    outcomes.set(object, outcome);
    if (outcome.kind === "compiled") await cache.write(key(object), outcome.unit);
  }
  return outcomes;
}

/**
 * Returns the key in the cache of each object, as it is with these changes. The key does not depend on files
 * that the object is not compiled from: other .c files, unless something includes them.
 */
export function compiledKey(
  { identity, sources }: Workspace,
  changes: readonly FileChange[],
): (object: string) => string {
  const own = (path: string, object: string): boolean => path.endsWith(".c") && objectOf(path) === object;
  const isShared = (path: string): boolean => !path.endsWith(".c") || sources.has(posix.basename(path));
  return (object) => {
    const read = changes.filter(({ path }) => own(path, object) || isShared(path));
    const patch = JSON.stringify(read.map(({ path, numbered }) => [path, numbered ?? null]));
    return objectKey([identity, OBJECT_FLAGS, object, patch]);
  };
}

/** Compiles objects from the tree as it is, whatever the cache has. */
export async function makeObjects(
  { kbuild }: Workspace,
  objects: readonly string[],
): Promise<ReadonlyMap<string, CompileOutcome>> {
  // All old objects are removed, because make goes by times: the time of a link is that of the file behind
  // it, which is older than an object of the patched source.
  for (const object of objects) await rm(join(kbuild.out, object), { force: true });
  await Promise.all(objects.map((object) => mkdir(dirname(join(kbuild.out, object)), { recursive: true })));
  const { errors } = await make(kbuild, objects);
  const failed = failures(errors);
  const outcomes = new Map<string, CompileOutcome>();
  for (const object of objects)
    outcomes.set(object, await outcomeOf(kbuild.out, object, failed.get(object) ?? lastLines(errors, 40)));
  return outcomes;
}

async function outcomeOf(out: string, object: string, output: readonly string[]): Promise<CompileOutcome> {
  const bytes = await readFile(join(out, object)).catch(() => undefined);
  if (bytes === undefined) return { kind: "failed", output };
  const command = await readFile(join(out, dirname(object), `.${object.split("/").at(-1)}.cmd`), "latin1");
  const versions = [...command.matchAll(/^#SYMVER (\S+) (?:0x)?([0-9a-f]{1,8})$/gm)];
  return {
    kind: "compiled",
    unit: {
      bytes: new Uint8Array(bytes),
      versions: versions.map(([, name = "", crc = ""]) => `${name} ${crc.padStart(8, "0")}`).join("\n"),
    },
  };
}
