import type { PatchSite } from "../patch_sites.ts";
import { relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/** Lock prefixes, which become a segment prefix while there is one processor only. */
export function smpLockSites(sources: SiteSources): readonly PatchSite[] {
  return relativeTargets(sectionTable(sources, ".smp_locks"), ".smp_locks").map((address) => ({
    kind: "smp_lock",
    at: siteOffset(sources, address),
    length: 1,
  }));
}
