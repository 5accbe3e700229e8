import { textOffset } from "../../../shared/brand.ts";
import { BRANCH_LENGTH } from "../../../shared/x86/opcodes.ts";
import { LONGEST_EARLY_NOP } from "../../x86/nops.ts";
import type { PatchSite } from "./patch_site.ts";
import { mapEntries, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const ENTRY_SIZE = 16;
const POINTER = 8;

/**
 * Indirect calls through pv_ops, made direct at boot (until 6.7): { u64 site, u8 operation, u8 length, 6 bytes }.
 * The operation is the pointer's number in pv_ops.
 */
export function paravirtSites(sources: SiteSources): readonly PatchSite[] {
  const table = sectionTable(sources, ".parainstructions");
  const operations = sources.symbols.only("pv_ops")?.address;
  return mapEntries(table, ".parainstructions", ENTRY_SIZE, (reader): PatchSite => {
    const at = siteOffset(sources, reader.u64());
    const operation = reader.u8();
    const length = reader.u8();
    if (operations === undefined || length < BRANCH_LENGTH || length > LONGEST_EARLY_NOP) {
      return { kind: "unknown", table: "paravirt", at, length };
    }
    const pointer = siteOffset(sources, operations + BigInt(POINTER * operation));
    return { kind: "paravirt", at, length, pointer: textOffset(pointer) };
  });
}
