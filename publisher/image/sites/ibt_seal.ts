import type { PatchSite } from "../patch_sites.ts";
import { relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const LENGTH = 4;

/** endbr64 instructions that a CPU with indirect branch tracking overwrites, as nothing calls there indirectly. */
export function ibtSealSites(sources: SiteSources): readonly PatchSite[] {
  return relativeTargets(sectionTable(sources, ".ibt_endbr_seal"), ".ibt_endbr_seal").map((address) => ({
    kind: "ibt_seal",
    at: siteOffset(sources, address),
    length: LENGTH,
  }));
}
