import type { ObjectName } from "../../shared/brand.ts";
import type { ChangeRefusal } from "./diff/refusal.ts";
import type { DifferenceReport } from "./difference.ts";
import type { PatchObject } from "./patch_object.ts";
import { joinPatches, type UnitPatch } from "./resolve/join_patches.ts";
import { sharedNames } from "./resolve/shared_names.ts";
import type { FileChange } from "./source/apply_patch.ts";
import type { ObjectCache } from "./source/object_cache.ts";
import { type PatchedUnits, patchedUnits } from "./source/patched_units.ts";
import type { Workspace } from "./source/workspace.ts";
import type { UnitComparer } from "./unit_comparer.ts";

/** The report on one compiled unit. */
export interface UnitReport extends DifferenceReport {
  readonly source: string;
  readonly object: ObjectName;
  readonly outcome: "patch" | "unchanged" | "refused";
  readonly refusals: readonly UpdateRefusal[];
}

/**
 * The reason why something cannot be brought to a running kernel. It concerns a function or a datum, a file
 * or an export.
 */
export interface UpdateRefusal {
  readonly code: ChangeRefusal["code"] | "file" | "export";
  /** The name of the function, datum, symbol or file. */
  readonly subject: string;
  readonly reason: string;
  readonly advice: string;
}

/** The report on a whole patch. */
export interface UpdateReport {
  readonly outcome: "made" | "unchanged" | "refused";
  readonly units: readonly UnitReport[];
  /** The sources that were compiled and whose objects came out the same. */
  readonly same: readonly string[];
  /** The files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  /** The refusals of files and exports. Those of functions and data are in the reports on their units. */
  readonly refusals: readonly UpdateRefusal[];
}

/** The content of a livepatch module, which is empty unless the outcome is `made`. */
export interface UpdateContent {
  readonly report: UpdateReport;
  readonly patches: readonly PatchObject[];
}

/** The kernel, source and cache, ready for one patch after the other. */
export interface UpdateTools {
  readonly workspace: Workspace;
  readonly objects: ObjectCache;
  readonly shipped: UnitComparer;
  readonly progress: (line: string) => void;
}

/**
 * Makes the content of a livepatch module from a patch. One refusal refuses the whole patch, because half a
 * fix is no fix.
 * @throws ParseError.
 * @throws RebootlessError `usage` if something does not compile.
 * @throws RebootlessError `limit`, `not_live`, `io`.
 */
export async function makeUpdate(
  { workspace, objects, shipped, progress }: UpdateTools,
  changes: readonly FileChange[],
): Promise<UpdateContent> {
  const compiled = await patchedUnits(workspace, objects, changes);
  const units: UnitReport[] = [];
  const patches: UnitPatch[] = [];
  const shared = sharedNames(compiled.pairs);
  for (const pair of compiled.pairs) {
    progress(`comparing ${pair.source}`);
    const difference = await shipped.compare(pair, shared);
    const refusals = difference.kind === "refused" ? difference.refusals : [];
    const { source, object } = pair;
    units.push({ source, object, outcome: difference.kind, refusals, ...difference.report });
    if (difference.kind === "patch") patches.push(difference);
  }
  const refusals = fileRefusals(compiled);
  const isRefused = refusals.length > 0 || units.some(({ outcome }) => outcome === "refused");
  const outcome = isRefused ? "refused" : patches.length > 0 ? "made" : "unchanged";
  const { same, ignored } = compiled;
  return {
    report: { outcome, units, same, ignored, refusals },
    patches: outcome === "made" ? joinPatches(patches) : [],
  };
}

function fileRefusals({ unfit, changedExports }: PatchedUnits): readonly UpdateRefusal[] {
  return [
    ...unfit.map(({ path, reason, advice }) => ({ code: "file" as const, subject: path, reason, advice })),
    ...changedExports.map(({ source, symbol }) => ({
      code: "export" as const,
      subject: symbol,
      reason: `${source} exports it, and the patch changes its type for the modules that use it`,
      advice:
        "Keep the types of exported functions, and put new members into shadow variables (klp_shadow_alloc).",
    })),
  ];
}
