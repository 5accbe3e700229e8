import { textOffset } from "../../../shared/brand.ts";
import { SHORT_JUMP } from "../../../shared/x86/opcodes.ts";
import { JUMP_ENTRY } from "../kernel_tables.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, linkerTable, mapEntries, type SiteSources, siteOffset } from "./sources.ts";

const SHORT = new Set([SHORT_JUMP, 0x66]); // jmp rel8; the 2-byte nop
const KEY_FLAGS = 3n; // bit 0: the key's usual state is on; bit 1: initialisation code

/** Returns the branches on static keys, each a jump or a nop of 2 or 5 bytes. */
export function jumpLabelSites(sources: SiteSources): readonly PatchSite[] {
  const table = linkerTable(sources, "__jump_table", "__start___jump_table", "__stop___jump_table");
  return mapEntries(table, "jump table", JUMP_ENTRY.size, (entry): PatchSite => {
    const code = entry.target(JUMP_ENTRY.fields.code);
    const target = entry.target(JUMP_ENTRY.fields.target);
    const key = BigInt.asUintN(64, entry.target(JUMP_ENTRY.fields.key));
    return {
      kind: "jump_label",
      at: siteOffset(sources, code),
      length: SHORT.has(codeAt(sources, code, 1)[0] ?? 0) ? 2 : 5,
      target: Number(target - code),
      key: textOffset(siteOffset(sources, key & ~KEY_FLAGS)),
      branch: (key & 1n) === 1n,
    };
  });
}
