import { s32, s64, struct, u8, u16, u32, u64 } from "../../shared/struct.ts";

/*
 * These are the entries of the tables by which a kernel finds the places of its code that it rewrites (Linux
 * 6.1 to 7.3, x86). Fields of `s32` and `s64` are distances from themselves to what they name, unless a
 * comment says otherwise.
 */

/** An entry of most tables of places: the distance to the place. */
export const PLACE = struct(4, { place: s32(0) });

/** An entry of `__mcount_loc`, which is an address. */
export const MCOUNT_LOC = struct(8, { place: u64(0) });

/** An alternative up to 6.2: arch/x86/include/asm/alternative.h, struct alt_instr. */
export const EARLY_ALT_INSTR = struct(12, {
  site: s32(0),
  replacement: s32(4),
  feature: u16(8),
  length: u8(10),
  replacementLength: u8(11),
});

/** An alternative since 6.3, with 16 bits of flags. */
export const ALT_INSTR = struct(14, {
  site: s32(0),
  replacement: s32(4),
  feature: u16(8),
  flags: u16(10),
  length: u8(12),
  replacementLength: u8(13),
});

/**
 * A branch on a static key: include/linux/jump_label.h, struct jump_entry. The two lowest bits of the key are
 * flags.
 */
export const JUMP_ENTRY = struct(16, { code: s32(0), target: s32(4), key: s64(8) });

/**
 * A static call: include/linux/static_call_types.h, struct static_call_site. The two lowest bits of the key
 * are flags.
 */
export const STATIC_CALL_SITE = struct(8, { code: s32(0), key: s32(4) });

/**
 * A call through pv_ops, up to 6.7: arch/x86/include/asm/paravirt_types.h, struct paravirt_patch_site. The
 * site is an address.
 */
export const PARAVIRT_SITE = struct(16, { site: u64(0), operation: u8(8), length: u8(9) });

/** An entry of `__ksymtab`: include/linux/export-internal.h. */
export const EXPORTED_SYMBOL = struct(12, { value: s32(0), name: s32(4), namespace: s32(8) });

/** A place of BUG() or WARN(), up to 6.18: include/asm-generic/bug.h, struct bug_entry. */
export const EARLY_BUG_ENTRY = struct(12, { code: s32(0), file: s32(4), line: u16(8), flags: u16(10) });

/** The same since 6.19 (HAVE_ARCH_BUG_FORMAT): with what is printed. */
export const BUG_ENTRY = struct(16, {
  code: s32(0),
  format: s32(4),
  file: s32(8),
  line: u16(12),
  flags: u16(14),
});

/**
 * An entry of the exception table: arch/x86/include/asm/extable.h, struct exception_table_entry. The last
 * field is no distance.
 */
export const EXCEPTION_ENTRY = struct(12, { code: s32(0), fixup: s32(4), data: u32(8) });

/** The unwind data of each place of `.orc_unwind_ip`: arch/x86/include/asm/orc_types.h, struct orc_entry. */
export const ORC_ENTRY = struct(6, { stackOffset: u16(0), frameOffset: u16(2), registers: u16(4) });
