import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import type { FileChange } from "./apply_patch.ts";
import { failures, make, OBJECT_FLAGS } from "./kbuild.ts";
import { type CompiledUnit, type ObjectCache, objectKey } from "./object_cache.ts";
import type { PatchedOutcome } from "./patched_tree.ts";
import { reachOf } from "./reach.ts";
import type { Workspace } from "./workspace.ts";

/** A compiled unit, or the messages of the compiler. */
export type CompileOutcome =
  | { readonly kind: "compiled"; readonly unit: CompiledUnit }
  | { readonly kind: "failed"; readonly output: readonly string[] };

/** The outcome of each object. */
export type CompileOutcomes = ReadonlyMap<string, CompileOutcome>;

/** The objects of the unpatched or the patched source: those in the cache, and those that have yet to be compiled. */
export interface SoughtObjects {
  /** None for the unpatched source. */
  readonly changes: readonly FileChange[];
  readonly found: CompileOutcomes;
  readonly missing: readonly string[];
}

/**
 * The most objects that are named in one call of make. kbuild hands their names to itself in one variable, which may
 * have 128 KB (MAX_ARG_STRLEN of Linux).
 */
const MAX_TARGETS = 512;

/**
 * The number of objects from which on a single one is compiled first, to see whether kbuild generates other headers:
 * nothing of what is compiled counts then.
 */
const MANY_OBJECTS = 32;
/**
 * The most objects that are compiled before they are put into the cache: a run that is stopped loses no more. On two
 * processors they take four minutes, of which the start of make takes some seconds.
 */
const MAX_BATCH = 256;

/** Looks objects up in the cache. */
export async function seekObjects(
  workspace: Workspace,
  cache: ObjectCache,
  objects: readonly string[],
  changes: readonly FileChange[],
): Promise<SoughtObjects> {
  const key = await compiledKey(workspace, changes);
  const found = new Map<string, CompileOutcome>();
  for (const object of objects) {
    const unit = await cache.read(key(object));
    if (unit !== undefined) found.set(object, { kind: "compiled", unit });
  }
  return { changes, found, missing: objects.filter((object) => !found.has(object)) };
}

/**
 * Compiles the objects of the unpatched source that are missing.
 * @param onCompiled receives each object.
 * @returns the outcomes of all objects.
 */
export async function compileOwn(
  workspace: Workspace,
  cache: ObjectCache,
  sought: SoughtObjects,
  onCompiled?: (object: string) => void,
): Promise<CompileOutcomes> {
  const outcomes = new Map(sought.found);
  const key = await compiledKey(workspace, sought.changes);
  for (const batch of batches(sought.missing, MAX_BATCH))
    await keep(cache, key, await makeObjects(workspace, batch, onCompiled), outcomes);
  return outcomes;
}

/**
 * Compiles the objects of the patched source that are missing.
 * @param onCompiled receives each object.
 * @returns the outcomes of all objects.
 */
export async function compilePatched(
  workspace: Workspace,
  cache: ObjectCache,
  { changes, found, missing }: SoughtObjects,
  onCompiled?: (object: string) => void,
): Promise<PatchedOutcome<CompileOutcomes>> {
  const outcomes = new Map(found);
  const key = await compiledKey(workspace, changes);
  const first = missing.length > MANY_OBJECTS ? 1 : MAX_BATCH;
  for (const batch of batches(missing, MAX_BATCH, first)) {
    const made = await workspace.patched(changes, () => makeObjects(workspace, batch, onCompiled));
    if (made.kind === "generated") return made;
    await keep(cache, key, made.value, outcomes);
  }
  return { kind: "done", value: outcomes };
}

/** Divides a list into parts of a size, the first of which may have another one. */
function batches<T>(all: readonly T[], size: number, first = size): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0, end = first; at < all.length; at = end, end += size) parts.push(all.slice(at, end));
  return parts;
}

/** Puts what was compiled into the cache, and among the outcomes. */
async function keep(
  cache: ObjectCache,
  key: (object: string) => string,
  made: CompileOutcomes,
  outcomes: Map<string, CompileOutcome>,
): Promise<void> {
  for (const [object, outcome] of made) {
    outcomes.set(object, outcome);
    if (outcome.kind === "compiled") await cache.write(key(object), outcome.unit);
  }
}

/**
 * Returns the key in the cache of each object, as it is with these changes. The key does not depend on changed
 * files that the object is not compiled from.
 */
export async function compiledKey(
  workspace: Pick<Workspace, "identity" | "sources" | "includes">,
  changes: readonly FileChange[],
): Promise<(object: string) => string> {
  const reaches = await reachOf(workspace, changes);
  return (object) => {
    const read = changes.filter(({ path }) => reaches(path, object));
    const patch = JSON.stringify(read.map(({ path, numbered }) => [path, numbered ?? null]));
    return objectKey([workspace.identity, OBJECT_FLAGS, object, patch]);
  };
}

/**
 * Compiles objects from the tree as it is, whatever the cache has.
 * @param onCompiled receives each object, in place of the workspace's own.
 */
export async function makeObjects(
  { kbuild }: Workspace,
  objects: readonly string[],
  onCompiled = kbuild.onCompiled,
): Promise<CompileOutcomes> {
  // All old objects are removed, because make goes by times: the time of a link is that of the file behind
  // it, which is older than an object of the patched source.
  for (const object of objects) await rm(join(kbuild.out, object), { force: true });
  await Promise.all(objects.map((object) => mkdir(dirname(join(kbuild.out, object)), { recursive: true })));
  const outcomes = new Map<string, CompileOutcome>();
  for (const some of batches(objects, MAX_TARGETS)) {
    // With more jobs than objects, kbuild's own checks take half as long again.
    const { errors } = await make({ ...kbuild, onCompiled, jobs: Math.min(kbuild.jobs, some.length) }, some);
    const failed = failures(errors);
    for (const object of some)
      outcomes.set(object, await outcomeOf(kbuild.out, object, failed.get(object) ?? lastLines(errors, 40)));
  }
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
