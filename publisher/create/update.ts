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

/** What came of one compiled unit. */
export interface UnitReport extends DifferenceReport {
  readonly source: string;
  readonly object: ObjectName;
  readonly outcome: "patch" | "unchanged" | "refused";
  readonly refusals: readonly UpdateRefusal[];
}

/** Why something cannot be brought to a running kernel: a function's or datum's reason, or a file's. */
export interface UpdateRefusal {
  readonly code: ChangeRefusal["code"] | "file" | "export";
  /** The function, datum, symbol or file. */
  readonly subject: string;
  readonly reason: string;
  readonly advice: string;
}

/** What a patch comes to. */
export interface UpdateReport {
  readonly outcome: "made" | "unchanged" | "refused";
  readonly units: readonly UnitReport[];
  /** Sources that were compiled and came out the same. */
  readonly same: readonly string[];
  /** Files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  /** Of files and exports; those of functions and data stand with their units. */
  readonly refusals: readonly UpdateRefusal[];
}

/** What a livepatch module is to be made of: nothing unless the outcome is `made`. */
export interface UpdateContent {
  readonly report: UpdateReport;
  readonly patches: readonly PatchObject[];
}

/** Kernel, source and cache, ready for one patch after the other. */
export interface UpdateTools {
  readonly workspace: Workspace;
  readonly objects: ObjectCache;
  readonly shipped: UnitComparer;
  readonly progress: (line: string) => void;
}

/**
 * From a patch to what a livepatch module is made of. One refusal refuses the whole patch: half a fix is none.
 * @throws RebootlessError `usage` if something does not compile, `limit`, `not_live`, `io`; ParseError.
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
      reason: `${source} exports it, and its type changes for modules that use it`,
      advice: "Keep the types of exported functions; put what is new in shadow variables (klp_shadow_alloc).",
    })),
  ];
}
