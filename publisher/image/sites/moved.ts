import {
  isUndone,
  type MovedSite,
  type Site,
  type UndoneSite,
} from "../../../shared/runpre/sites/site_kinds.ts";
import { type PatchSite, patchLength } from "./patch_site.ts";

/**
 * Sorts sites, and joins the relocations that a module's loader applies (`moved`) with the others. A
 * relocation within a site that decides about its bytes is dropped, and a call with a relocated operand
 * becomes a `moved_call`. Other overlaps are left, so that they are refused.
 */
export function joinRelocations<S extends PatchSite>(sites: readonly S[]): readonly (S | UndoneSite)[] {
  const sorted = [...sites].sort((a, b) => a.at - b.at);
  const joined: (S | UndoneSite)[] = [];
  for (const site of sorted) {
    const last = joined.at(-1);
    if (last === undefined || site.kind !== "moved" || !isWithin(site, last)) joined.push(site);
    else if (isOperand(site, last))
      joined[joined.length - 1] = { kind: "moved_call", at: last.at, base: site.base };
    else if (isUndone(last as Site)) joined.push(site);
  }
  return joined;
}

const isWithin = (inner: MovedSite, outer: PatchSite): boolean =>
  inner.at >= outer.at && inner.at + inner.length <= outer.at + patchLength(outer);

const isOperand = (moved: MovedSite, { kind, at }: PatchSite): boolean =>
  kind === "call" && moved.at === at + 1 && moved.length === 4 && moved.relative;
