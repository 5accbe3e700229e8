import type { PatchSite } from "../patch_sites.ts";
import { mapEntries, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const ENTRY_SIZE = 16;

/** Indirect calls through pv_ops, made direct at boot (until 6.7): { u64 site, u8 operation, u8 length, 6 bytes }. */
export function paravirtSites(sources: SiteSources): readonly PatchSite[] {
  const table = sectionTable(sources, ".parainstructions");
  return mapEntries(table, ".parainstructions", ENTRY_SIZE, (reader) => {
    const site = reader.u64();
    return { kind: "paravirt", at: siteOffset(sources, site), length: reader.skip(1).u8() };
  });
}
