import type { PatchSite } from "./patch_site.ts";
import { relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

// The length of a site. FineIBT rewrites the 16 bytes before a function and the hash check before a call;
// this is the longer of the two.
const LENGTH = 16;

/** Returns the type checks of indirect calls (kernels built by clang with CFI), which are not understood. */
export function cfiSites(sources: SiteSources): readonly PatchSite[] {
  return relativeTargets(sectionTable(sources, ".cfi_sites"), ".cfi_sites").map((address) => ({
    kind: "unknown",
    table: "cfi",
    at: siteOffset(sources, address),
    length: LENGTH,
  }));
}
