import { findChanges, isInit } from "./diff/changes.ts";
import { comparer } from "./diff/compare.ts";
import { type Correlation, correlate } from "./diff/correlate.ts";
import type { ChangeRefusal } from "./diff/refusal.ts";
import { refuseSetUpByInit } from "./diff/set_up_by_init.ts";
import type { Piece, Unit } from "./object/pieces.ts";
import { openVersion } from "./object/version.ts";
import { indirectTargetRefusals } from "./resolve/indirect_targets.ts";
import type { UnitPatch } from "./resolve/join_patches.ts";
import { buildPatch } from "./resolve/patch_builder.ts";
import { referenceResolver } from "./resolve/references.ts";
import { replacedFunctions } from "./resolve/replaced.ts";
import { matchUnit } from "./resolve/runpre.ts";
import { selectPieces } from "./resolve/selection.ts";
import { NOTHING_SHARED, type SharedNames } from "./resolve/shared_names.ts";
import { openShipped, type ShippedKernel } from "./resolve/shipped_kernel.ts";
import type { UnitPair } from "./unit_pair.ts";

/** The outcome of comparing a unit before and after a patch. */
export type UnitDifference =
  | ({ readonly kind: "patch"; readonly report: DifferenceReport } & UnitPatch)
  | { readonly kind: "unchanged"; readonly report: DifferenceReport }
  | {
      readonly kind: "refused";
      readonly refusals: readonly ChangeRefusal[];
      readonly report: DifferenceReport;
    };

/**
 * A report on a unit's differences. The names are those of the object files, and name functions unless said
 * otherwise.
 */
export interface DifferenceReport {
  readonly changed: readonly string[];
  /** The new functions and data that the changed functions need. */
  readonly added: readonly string[];
  readonly dropped: readonly string[];
  /**
   * The new functions for other files that no unit of the update uses, which is a sign that the patch is part
   * of a larger one.
   */
  readonly unused: readonly string[];
  /**
   * The changed functions that run only while the kernel or the module starts. The change has no effect on a
   * running one.
   */
  readonly initOnly: readonly string[];
  /** Sentences that tell what was decided. */
  readonly notes: readonly string[];
}

/**
 * Derives the part of a livepatch module that a unit needs, from the unit compiled before and after a patch.
 * @param shared the names that units of the update newly define for each other.
 * @throws ParseError.
 * @throws RebootlessError `limit`, `unsupported`, `usage` for objects that are not a compiler's, or a module
 * that does not exist.
 */
export function differentiate(
  pair: UnitPair,
  kernel: ShippedKernel,
  shared: SharedNames = NOTHING_SHARED,
): UnitDifference {
  const before = openVersion(pair.before);
  const after = openVersion(pair.after);
  const correlation = correlate(before, after);
  const same = comparer(before, after, correlation);
  const changes = findChanges(before, after, correlation, same);
  const report = (added: readonly string[], notes: readonly string[]): DifferenceReport => ({
    changed: changes.changed.map(({ names: [name = ""] }) => name),
    added,
    dropped: changes.dropped,
    unused: unusedNames(after.unit, correlation, shared.given),
    initOnly: changes.initOnly,
    notes: [...changes.notes, ...notes],
  });
  if (changes.refusals.length > 0)
    return { kind: "refused", refusals: changes.refusals, report: report([], []) };
  const roots = [...changes.changed, ...newPieces(after.unit, correlation, shared.given)];
  if (roots.length === 0) return { kind: "unchanged", report: report([], []) };

  const shipped = openShipped(pair.object, kernel);
  const match = matchUnit(before.unit, shipped.own);
  const replaced = replacedFunctions(changes, before, correlation, match, shipped.own);
  if (replaced.refusals.length > 0) {
    return { kind: "refused", refusals: replaced.refusals, report: report([], []) };
  }
  const resolve = referenceResolver(kernel, shipped, match, shared);
  const selection = selectPieces(after, roots, changes.copied, correlation, resolve);
  const refusals = [
    ...selection.refusals,
    ...indirectTargetRefusals(selection, before.unit, shipped),
    ...refuseSetUpByInit(after.unit, selection.pieces, selection.added),
  ];
  const added = selection.added.map(({ names: [name = ""] }) => name);
  if (refusals.length > 0) return { kind: "refused", refusals, report: report(added, selection.notes) };
  const patch = buildPatch(pair, selection, replaced.replacements, kernel.namespaces);
  return { kind: "patch", ...patch, report: report(added, selection.notes) };
}

/** Returns the new pieces of this unit that other units of the update need. */
function newPieces({ pieces }: Unit, { oldOf }: Correlation, shared: ReadonlySet<string>): readonly Piece[] {
  return pieces.filter(
    (piece) => piece.isGlobal && !oldOf.has(piece) && piece.names.some((name) => shared.has(name)),
  );
}

/**
 * Returns the names of new functions for other units that neither the other units of the update nor this one
 * use.
 */
function unusedNames(
  { pieces }: Unit,
  { oldOf }: Correlation,
  shared: ReadonlySet<string>,
): readonly string[] {
  const used = new Set(
    pieces.flatMap(({ index, references }) =>
      references.flatMap(({ target }) =>
        target.kind === "piece" && target.piece !== index ? target.piece : [],
      ),
    ),
  );
  return pieces.flatMap((piece) => {
    const [name] = piece.names;
    const isNew = piece.role === "code" && piece.isGlobal && !oldOf.has(piece) && !isInit(piece);
    return isNew && name !== undefined && !shared.has(name) && !used.has(piece.index) ? name : [];
  });
}
