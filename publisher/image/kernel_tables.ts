import { s32, s64, struct, u8, u16, u32, u64 } from "../../shared/struct.ts";

/*
 * Entries of the tables by which a kernel finds the places of its code that it rewrites (Linux 6.1 to 6.12, x86). Fields
 * of `s32` and `s64` are distances from themselves to what they name, unless it says otherwise.
 */

/** Most tables of places: a distance for each. */
export const PLACE = struct(4, { place: s32(0) });

/** `__mcount_loc`: addresses. */
export const MCOUNT_LOC = struct(8, { place: u64(0) });

/** arch/x86/include/asm/alternative.h, struct alt_instr, to 6.2. */
export const EARLY_ALT_INSTR = struct(12, {
  site: s32(0),
  replacement: s32(4),
  feature: u16(8),
  length: u8(10),
  replacementLength: u8(11),
});

/** The same since 6.3, with 16 bits of flags. */
export const ALT_INSTR = struct(14, {
  site: s32(0),
  replacement: s32(4),
  feature: u16(8),
  flags: u16(10),
  length: u8(12),
  replacementLength: u8(13),
});

/** include/linux/jump_label.h, struct jump_entry. The two lowest bits of the key are flags. */
export const JUMP_ENTRY = struct(16, { code: s32(0), target: s32(4), key: s64(8) });

/** include/linux/static_call_types.h, struct static_call_site. The two lowest bits of the key are flags. */
export const STATIC_CALL_SITE = struct(8, { code: s32(0), key: s32(4) });

/** arch/x86/include/asm/paravirt_types.h, struct paravirt_patch_site, to 6.7. The site is an address. */
export const PARAVIRT_SITE = struct(16, { site: u64(0), operation: u8(8), length: u8(9) });

/** include/linux/export-internal.h: an entry of `__ksymtab`. */
export const EXPORTED_SYMBOL = struct(12, { value: s32(0), name: s32(4), namespace: s32(8) });

/** include/asm-generic/bug.h, struct bug_entry. */
export const BUG_ENTRY = struct(12, { code: s32(0), file: s32(4), line: u16(8), flags: u16(10) });

/** arch/x86/include/asm/extable.h, struct exception_table_entry. The last one is no distance. */
export const EXCEPTION_ENTRY = struct(12, { code: s32(0), fixup: s32(4), data: u32(8) });

/** arch/x86/include/asm/orc_types.h, struct orc_entry: one for each place of `.orc_unwind_ip`. */
export const ORC_ENTRY = struct(6, { stackOffset: u16(0), frameOffset: u16(2), registers: u16(4) });
