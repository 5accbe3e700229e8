import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { VMLINUX } from "../../../shared/brand.ts";
import { equalBytes } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { UnitPair } from "../unit_pair.ts";
import { affectedUnits, type UnfitFile } from "./affected.ts";
import type { FileChange } from "./apply_patch.ts";
import { type CompileOutcome, compileObjects } from "./compile.ts";
import type { CompiledUnit, ObjectCache } from "./object_cache.ts";
import type { Workspace } from "./workspace.ts";

/** An exported symbol whose type changed: modules that were built against the old one would misuse it. */
export interface ChangedExport {
  readonly source: string;
  readonly symbol: string;
}

/** The changes that a patch makes to compiled code. */
export interface PatchedUnits {
  /** The units whose objects differ. */
  readonly pairs: readonly UnitPair[];
  /** The sources that were compiled and came out the same, byte for byte. */
  readonly same: readonly string[];
  /** The files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  /** The files whose change an update cannot bring. If there are any, nothing was compiled. */
  readonly unfit: readonly UnfitFile[];
  readonly changedExports: readonly ChangedExport[];
}

/**
 * Compiles everything that a patch affects, before and after.
 * @throws RebootlessError `usage` with the compiler's messages if something does not compile.
 * @throws RebootlessError `limit`, `not_live`, `io`.
 */
export async function patchedUnits(
  workspace: Workspace,
  cache: ObjectCache,
  changes: readonly FileChange[],
): Promise<PatchedUnits> {
  const { objects, ignored, unfit } = await affectedUnits(
    changes,
    workspace.units,
    workspace.sources,
    workspace.includes,
  );
  if (unfit.length > 0) return { pairs: [], same: [], ignored, unfit, changedExports: [] };
  const before = compiled(await compileObjects(workspace, cache, objects, []), "the kernel's own source");
  const after = compiled(await compileObjects(workspace, cache, objects, changes), "the patched source");
  const pairs: UnitPair[] = [];
  const same: string[] = [];
  const changedExports: ChangedExport[] = [];
  for (const [object, old] of before) {
    const now = after.get(object) ?? old;
    const source = object.replace(/\.o$/, ".c");
    if (equalBytes(old.bytes, now.bytes)) same.push(source);
    else pairs.push(await unitPair(workspace, source, old, now, changes));
    for (const change of exportChanges(source, old, now)) changedExports.push(change);
  }
  return { pairs, same, ignored, unfit, changedExports };
}

/**
 * Returns the compiled units.
 * @throws RebootlessError `usage` with the compiler's messages about the first object that failed.
 */
function compiled(
  outcomes: ReadonlyMap<string, CompileOutcome>,
  what: string,
): ReadonlyMap<string, CompiledUnit> {
  const units = new Map<string, CompiledUnit>();
  for (const [object, outcome] of outcomes) {
    if (outcome.kind === "compiled") units.set(object, outcome.unit);
    else {
      const { output } = outcome;
      throw new RebootlessError("usage", `${what} does not compile: ${object}`, { output });
    }
  }
  return units;
}

async function unitPair(
  { kbuild, units }: Workspace,
  source: string,
  before: CompiledUnit,
  after: CompiledUnit,
  changes: readonly FileChange[],
): Promise<UnitPair> {
  const change = changes.find(({ path }) => path === source);
  const text = change?.before ?? (await readFile(join(kbuild.tree, source), "latin1"));
  return {
    source,
    object: units.get(source.replace(/\.c$/, ".o")) ?? VMLINUX,
    before: before.bytes,
    after: after.bytes,
    sourceBefore: text,
    sourceAfter: change?.after ?? text,
  };
}

function exportChanges(source: string, before: CompiledUnit, after: CompiledUnit): readonly ChangedExport[] {
  const now = new Set(after.versions.split("\n"));
  const gone = before.versions.split("\n").filter((line) => line !== "" && !now.has(line));
  return gone.map((line) => ({ source, symbol: line.split(" ", 1)[0] ?? "" }));
}
