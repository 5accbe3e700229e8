import type { ObjectName } from "../../shared/brand.ts";
import { CALLBACKS } from "../module/target_objects.ts";
import type { ChangeRefusal } from "./diff/refusal.ts";
import type { DifferenceReport, UnitDifference } from "./difference.ts";
import type { SourceExplanation } from "./explain/excerpt.ts";
import { type JudgedUnit, judgeLayouts } from "./layout/judge.ts";
import type { PatchObject } from "./patch_object.ts";
import { refusedBy } from "./refused_by.ts";
import type { UnitPatch } from "./resolve/join_patches.ts";
import { type SharedNames, sharedNames } from "./resolve/shared_names.ts";
import type { FileChange } from "./source/apply_patch.ts";
import type { ObjectCache } from "./source/object_cache.ts";
import { type CompiledScope, patchedUnits } from "./source/patched_units.ts";
import type { SourceRefusal } from "./source/source_refusal.ts";
import type { Workspace } from "./source/workspace.ts";
import type { UnitComparer } from "./unit_comparer.ts";
import type { UnitPair } from "./unit_pair.ts";

/** The report on one compiled unit. */
export interface UnitReport extends DifferenceReport {
  readonly source: string;
  readonly object: ObjectName;
  readonly outcome: "patch" | "unchanged" | "refused";
  readonly refusals: readonly UpdateRefusal[];
}

/** The reason why something cannot be brought to a running kernel. */
export type UpdateRefusal = (ChangeRefusal | SourceRefusal) & {
  /** The lines of the source that it is about, if they were asked for. */
  readonly explanation?: SourceExplanation;
};

/** The report on a whole patch. */
export interface UpdateReport {
  readonly outcome: "made" | "unchanged" | "refused";
  readonly units: readonly UnitReport[];
  /** The sources that were compiled and whose objects came out the same. */
  readonly same: readonly string[];
  /** The files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  /** The refusals of what the patch does to the source. Those of functions and data are in the reports on their units. */
  readonly refusals: readonly UpdateRefusal[];
  /** Sentences about the patch as a whole. */
  readonly notes: readonly string[];
}

/** The content of a livepatch module, which is empty unless the outcome is `made`. */
export interface UpdateContent {
  readonly report: UpdateReport;
  readonly patches: readonly PatchObject[];
  /** The units whose objects differ, whatever the outcome. */
  readonly pairs: readonly UnitPair[];
  /** The objects that came out the same in every byte. */
  readonly equal: readonly string[];
}

/** The kernel, source and cache, ready for one patch after the other. */
export interface UpdateTools extends CompiledScope {
  readonly workspace: Workspace;
  readonly objects: ObjectCache;
  /** Opens the kernel. It is called when units are to be compared with it. */
  readonly shipped: () => Promise<UnitComparer>;
  /** The types of which the author says that no object exists from before the update: "struct foo", "foo". */
  readonly layoutOk: readonly string[];
  readonly progress: (line: string) => void;
}

/**
 * Makes the content of a livepatch module from a patch. One refusal refuses the whole patch, because half a
 * fix is no fix.
 * @throws ParseError.
 * @throws RebootlessError `limit`, `io`.
 */
export async function makeUpdate(
  { workspace, objects, layoutOk, progress, ...tools }: UpdateTools,
  changes: readonly FileChange[],
): Promise<UpdateContent> {
  const compiled = await patchedUnits(workspace, objects, changes, progress, tools);
  const shipped = await tools.shipped();
  const units: UnitReport[] = [];
  const patches: UnitPatch[] = [];
  const judged: JudgedUnit[] = compiled.retyped.map((pair) => ({ pair, replaced: new Set() }));
  const shared = sharedNames(compiled.pairs);
  for (const pair of compiled.pairs) {
    progress(`comparing ${pair.source}`);
    const { source, object } = pair;
    try {
      const difference = await shipped.compare(pair, withHooks(shared.of(object)));
      const refusals = difference.kind === "refused" ? difference.refusals : [];
      units.push({ source, object, outcome: difference.kind, refusals, ...difference.report });
      if (difference.kind === "patch") patches.push(difference);
      judged.push({ pair, replaced: new Set(replacedBy(difference)) });
    } catch (error) {
      units.push({ source, object, outcome: "refused", refusals: [refusedBy(error, source)], ...NOTHING });
      judged.push({ pair, replaced: new Set() });
    }
  }
  const { pairs, same, ignored, equal } = compiled;
  const layouts = verdictOn(judged, units, layoutOk);
  const refusals = [...compiled.refusals, ...shared.refusals, ...layouts.refusals];
  const isRefused = refusals.length > 0 || units.some(({ outcome }) => outcome === "refused");
  const outcome = isRefused ? "refused" : patches.length > 0 ? "made" : "unchanged";
  const report: UpdateReport = { outcome, units, same, ignored, refusals, notes: layouts.notes };
  if (outcome !== "made") return { report, patches: [], pairs, equal };
  try {
    const joined = await shipped.join(patches);
    return joined.kind === "joined"
      ? { report, patches: joined.patches, pairs, equal }
      : { report: withRefusals(report, joined.refusals), patches: [], pairs, equal };
  } catch (error) {
    return { report: withRefusals(report, [refusedBy(error, "the update")]), patches: [], pairs, equal };
  }
}

/** Adds the hooks to the names that a unit gives: the kernel calls them, whichever unit has them. */
const withHooks = ({ given, used }: SharedNames): SharedNames => ({
  given: new Set([...given, ...CALLBACKS]),
  used,
});

/** Returns the functions that a unit replaces, or would if it were not refused. */
const replacedBy = (difference: UnitDifference): readonly string[] =>
  difference.kind === "patch" ? difference.patch.replaces.map(({ name }) => name) : difference.report.changed;

/** Judges the layouts of types, which matter to nobody if the code stays as it is. */
function verdictOn(
  judged: readonly JudgedUnit[],
  units: readonly UnitReport[],
  layoutOk: readonly string[],
): { readonly refusals: readonly UpdateRefusal[]; readonly notes: readonly string[] } {
  if (units.every(({ outcome }) => outcome === "unchanged")) return { refusals: [], notes: [] };
  try {
    return judgeLayouts(judged, layoutOk);
  } catch (error) {
    return { refusals: [refusedBy(error, "the types of the update")], notes: [] };
  }
}

/** The report on a unit that could not be compared. */
const NOTHING: DifferenceReport = {
  changed: [],
  added: [],
  dropped: [],
  unused: [],
  initOnly: [],
  notes: [],
};

/** Returns a report with more refusals. */
export const withRefusals = (report: UpdateReport, more: readonly UpdateRefusal[]): UpdateReport =>
  more.length === 0 ? report : { ...report, outcome: "refused", refusals: [...report.refusals, ...more] };
