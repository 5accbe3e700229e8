import { textOffset } from "../../../shared/brand.ts";
import { BRANCH_LENGTH } from "../../../shared/x86/opcodes.ts";
import { LONGEST_EARLY_NOP } from "../../x86/nops.ts";
import { PARAVIRT_SITE } from "../kernel_tables.ts";
import type { PatchSite } from "./patch_site.ts";
import { mapEntries, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const POINTER = 8;

/**
 * Returns the indirect calls through pv_ops, which boot makes direct (until 6.7). The operation is the
 * pointer's number in pv_ops.
 */
export function paravirtSites(sources: SiteSources): readonly PatchSite[] {
  const table = sectionTable(sources, ".parainstructions");
  const operations = sources.symbols.only("pv_ops")?.address;
  return mapEntries(table, ".parainstructions", PARAVIRT_SITE.size, (entry): PatchSite => {
    const at = siteOffset(sources, entry.get(PARAVIRT_SITE.fields.site));
    const operation = entry.get(PARAVIRT_SITE.fields.operation);
    const length = entry.get(PARAVIRT_SITE.fields.length);
    if (operations === undefined || length < BRANCH_LENGTH || length > LONGEST_EARLY_NOP) {
      return { kind: "unknown", table: "paravirt", at, length };
    }
    const pointer = siteOffset(sources, operations + BigInt(POINTER * operation));
    return { kind: "paravirt", at, length, pointer: textOffset(pointer) };
  });
}
