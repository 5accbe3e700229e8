import type { PatchSite } from "../patch_sites.ts";
import { codeAt, mapEntries, type SiteSources, siteOffset, symbolsTable } from "./sources.ts";

const ENTRY_SIZE = 16;
const SHORT = new Set([0xeb, 0x66]); // jmp rel8; the 2-byte nop

/** Branches on static keys: { s32 code - ., s32 target - ., s64 key - . }, a jump or a nop of 2 or 5 bytes. */
export function jumpLabelSites(sources: SiteSources): readonly PatchSite[] {
  const table = symbolsTable(sources, "__start___jump_table", "__stop___jump_table");
  return mapEntries(table, "jump table", ENTRY_SIZE, (reader, at) => {
    const code = at + BigInt(reader.s32());
    const length = SHORT.has(codeAt(sources, code, 1)[0] ?? 0) ? 2 : 5;
    return { kind: "jump_label", at: siteOffset(sources, code), length };
  });
}
