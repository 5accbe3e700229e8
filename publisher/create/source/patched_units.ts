import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { VMLINUX } from "../../../shared/brand.ts";
import { equalBytes } from "../../../shared/bytes.ts";
import { counted } from "../../../shared/counted.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { TYPES_SECTION } from "../layout/unit_types.ts";
import { sameBut } from "../object/section_bytes.ts";
import type { UnitPair } from "../unit_pair.ts";
import { affectedUnits, objectOf, sourceOf } from "./affected.ts";
import type { FileChange } from "./apply_patch.ts";
import { changedExports } from "./changed_exports.ts";
import {
  type CompileOutcome,
  type CompileOutcomes,
  compileOwn,
  compilePatched,
  seekObjects,
} from "./compile.ts";
import { compileCount } from "./compile_count.ts";
import type { CompiledUnit, ObjectCache } from "./object_cache.ts";
import type { SourceRefusal } from "./source_refusal.ts";
import type { Workspace } from "./workspace.ts";

/** The changes that a patch makes to compiled code. */
export interface PatchedUnits {
  /** The units whose objects differ. */
  readonly pairs: readonly UnitPair[];
  /** The sources that were compiled and came out the same, byte for byte except for types. */
  readonly same: readonly string[];
  /** The units among them that use a type which differs. */
  readonly retyped: readonly UnitPair[];
  /** The files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  /** What an update cannot bring. Without any pair, not everything was compiled. */
  readonly refusals: readonly SourceRefusal[];
  /** The objects that came out the same in every byte, types and checksums of exports included. */
  readonly equal: readonly string[];
}

/** How much of what a patch affects is compiled. */
export interface CompiledScope {
  /** True to compile the rest if a file is refused, to learn what else is refused. */
  readonly thorough?: boolean;
  /** Reports of an object that it is known to come out the same, so that it need not be compiled. */
  readonly isKnownEqual?: ((object: string) => boolean) | undefined;
}

/** The number of objects from which on it is said what compiling them costs. */
const MANY = 64;
/** The time in seconds that an object takes on one processor: make's part of it and the compiler's, measured with 6.12. */
const SECONDS_EACH = 2;

/**
 * Compiles everything that a patch affects, before and after.
 * @throws RebootlessError `io` with the compiler's messages if the unpatched source does not compile.
 * @throws RebootlessError `limit`.
 */
export async function patchedUnits(
  workspace: Workspace,
  cache: ObjectCache,
  all: readonly FileChange[],
  progress: (line: string) => void,
  { thorough = false, isKnownEqual = () => false }: CompiledScope = {},
): Promise<PatchedUnits> {
  const { units, sources, includes } = workspace;
  const { objects: affected, ignored, refusals: unfit } = await affectedUnits(all, units, sources, includes);
  const objects = affected.filter((object) => !isKnownEqual(object));
  const refused = (refusals: readonly SourceRefusal[], equal: readonly string[] = []): PatchedUnits => ({
    pairs: [],
    same: [],
    retyped: [],
    ignored,
    refusals: [...unfit, ...refusals],
    equal,
  });
  if (unfit.length > 0 && !thorough) return refused([]);
  // What is built in another way would be kept as if it were not: makefiles do not count for what is compiled.
  const foreign = new Set(unfit.flatMap(({ code, subject }) => (code === "file" ? subject : [])));
  const changes = all.filter(({ path }) => !foreign.has(path));
  const own = await seekObjects(workspace, cache, objects, []);
  const patched = await seekObjects(workspace, cache, objects, changes);
  const missing = own.missing.length + patched.missing.length;
  if (missing > MANY) progress(costOf(objects.length, missing, workspace.kbuild.jobs));
  const count = compileCount(missing, progress, () => performance.now());
  const { jobs } = workspace.kbuild;
  count.begin("without the patch", own.missing, jobs);
  const before = ownUnits(await compileOwn(workspace, cache, own, count.done));
  count.begin("with the patch", patched.missing, jobs);
  const made = await compilePatched(workspace, cache, patched, count.done);
  if (made.kind === "generated") return refused([generatedRefusal(changes, made.headers)]);
  const equal = [...before].flatMap(([object, old]) =>
    isEqualUnit(old, made.value.get(object)) ? object : [],
  );
  const failed = compileRefusals(made.value);
  if (failed.length > 0) return refused(failed, equal);
  const pairs: UnitPair[] = [];
  const same: string[] = [];
  const retyped: UnitPair[] = [];
  const refusals: SourceRefusal[] = [...unfit];
  for (const [object, old] of before) {
    const outcome = made.value.get(object);
    const now = outcome?.kind === "compiled" ? outcome.unit : old;
    const source = sourceOf(object);
    const isEqual = equalBytes(old.bytes, now.bytes);
    const isSame = isEqual || sameBut(old.bytes, now.bytes, TYPES_SECTION);
    if (isSame) same.push(source);
    if (!isEqual) (isSame ? retyped : pairs).push(await unitPair(workspace, source, old, now, changes));
    refusals.push(...(await changedExports(workspace, cache, object, old, now, changes)));
  }
  return { pairs, same, retyped, ignored, refusals, equal };
}

/** Reports whether a unit came out with the same bytes and the same checksums of its exports. */
const isEqualUnit = (before: CompiledUnit, after: CompileOutcome | undefined): boolean =>
  after?.kind === "compiled" &&
  after.unit.versions === before.versions &&
  equalBytes(after.unit.bytes, before.bytes);

function costOf(objects: number, missing: number, jobs: number): string {
  const minutes = Math.max(1, Math.round((missing * SECONDS_EACH) / jobs / 60));
  return `the patch reaches ${counted(objects, "compiled file")}; ${missing} compilations, before and after it, take about ${counted(minutes, "minute")}, once`;
}

/**
 * Returns the compiled units.
 * @throws RebootlessError `io` with the compiler's messages about the first object that failed.
 */
function ownUnits(outcomes: CompileOutcomes): ReadonlyMap<string, CompiledUnit> {
  const units = new Map<string, CompiledUnit>();
  for (const [object, outcome] of outcomes) {
    if (outcome.kind === "compiled") units.set(object, outcome.unit);
    else {
      const { output } = outcome;
      throw new RebootlessError("io", `the kernel's own source does not compile: ${object}`, { output });
    }
  }
  return units;
}

const compileRefusals = (outcomes: CompileOutcomes): readonly SourceRefusal[] =>
  [...outcomes].flatMap(([object, outcome]) =>
    outcome.kind === "compiled"
      ? []
      : {
          code: "compile",
          subject: sourceOf(object),
          reason: "it does not compile with the patch",
          advice: "Mend the patch. It must be made for exactly this source.",
          output: outcome.output,
        },
  );

const generatedRefusal = (changes: readonly FileChange[], headers: readonly string[]): SourceRefusal => ({
  code: "generated",
  subject: changes.map(({ path }) => path).filter((path) => path.endsWith(".h"))[0] ?? "the patch",
  reason: `kbuild generates other headers from the patched source (${headers.slice(0, 3).join(", ")}), which say where assembly finds the members of structures`,
  advice:
    "Leave the members of structures in their places, and put new ones into shadow variables (klp_shadow_alloc).",
});

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
    object: units.get(objectOf(source)) ?? VMLINUX,
    before: before.bytes,
    after: after.bytes,
    sourceBefore: text,
    sourceAfter: change?.after ?? text,
  };
}
