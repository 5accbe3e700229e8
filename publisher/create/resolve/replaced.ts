import { counted } from "../../../shared/counted.ts";
import { hasFentry } from "../diff/callers.ts";
import type { Changes } from "../diff/changes.ts";
import type { Correlation } from "../diff/correlate.ts";
import { parentOf } from "../diff/names.ts";
import { type ChangeRefusal, changeRefusal } from "../diff/refusal.ts";
import type { Piece } from "../object/pieces.ts";
import type { Version } from "../object/version.ts";
import { derivedFault } from "./derived_entries.ts";
import type { RunpreMatch, UnitMatch } from "./runpre.ts";
import type { ShippedObject } from "./shipped_object.ts";

/** A function of the kernel, and the piece of the new unit that takes its place. */
export interface PieceReplacement {
  readonly name: string;
  /** The position as livepatch counts it, which is 0 if the object has the name only once. */
  readonly position: number;
  readonly piece: Piece;
}

/**
 * Finds the functions of the shipped object that the changed ones replace. Each of them must equal its
 * compiled old version.
 */
export function replacedFunctions(
  { changed, covered }: Changes,
  before: Version,
  { oldOf }: Correlation,
  match: UnitMatch,
  shipped: ShippedObject,
): { readonly replacements: readonly PieceReplacement[]; readonly refusals: readonly ChangeRefusal[] } {
  const replacements: PieceReplacement[] = [];
  const refusals: ChangeRefusal[] = [];
  for (const piece of changed) {
    const old = oldOf.get(piece);
    if (old === undefined) continue;
    const [name = ""] = old.names;
    const outcome = match.functions.get(old) ?? { kind: "absent" };
    const isPart = parentOf(name) !== undefined;
    if (outcome.kind !== "match") {
      // A part that was split off has a name only if the kernel keeps it. Its parent tells where it lies.
      if (!(isPart && outcome.kind === "absent"))
        refusals.push(changeRefusal("run_pre", name, mismatch(outcome)));
      continue;
    }
    const fault = derivedFault(before, old, outcome, shipped.derived);
    if (fault !== undefined) refusals.push(changeRefusal("run_pre", name, fault));
    if (fault !== undefined || isPart || covered.has(piece)) continue;
    if (!hasFentry(before, old)) {
      refusals.push(notRedirected(name, before, old));
      continue;
    }
    const [found] = old.names.flatMap((one) => {
      const all = shipped.named(one);
      const index = all.findIndex(({ address }) => address === outcome.address);
      return index < 0 ? [] : [{ name: one, position: all.length === 1 ? 0 : index + 1, piece }];
    });
    if (found !== undefined) replacements.push(found);
  }
  return { replacements, refusals };
}

/**
 * Refuses a function without __fentry__. Whole folders, such as lib/, are compiled without it; there, the callers in
 * the same file cannot be redirected either.
 */
function notRedirected(name: string, before: Version, { isGlobal }: Piece): ChangeRefusal {
  if (before.unit.pieces.some((piece) => hasFentry(before, piece))) {
    const reason =
      "the running kernel cannot redirect it, because it does not begin with a call of __fentry__";
    return changeRefusal("no_fentry", name, reason);
  }
  const reason =
    "this kernel cannot redirect it by livepatch, because no function of its file can be traced (CC_FLAGS_FTRACE is removed there, as in all of lib/)";
  const advice = isGlobal
    ? "If few functions of other files call it, let them call a copy of it under a new name. Otherwise this change needs a restart."
    : undefined;
  return changeRefusal("no_fentry", name, reason, advice);
}

function mismatch(outcome: Exclude<RunpreMatch, { kind: "match" }>): string {
  switch (outcome.kind) {
    case "absent":
      return "the shipped object has no function of this name";
    case "ambiguous":
      return `${counted(outcome.candidates, "function")} of this name in the shipped object are identical`;
    case "mismatch":
      return `the compiled old version differs from the shipped function at byte ${outcome.at}: ${outcome.reason}`;
  }
}
