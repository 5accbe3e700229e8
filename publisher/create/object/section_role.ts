import { type ElfSection, SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import type { Field } from "../../../shared/struct.ts";
import {
  ALT_INSTR,
  BUG_ENTRY,
  EARLY_ALT_INSTR,
  EARLY_BUG_ENTRY,
  EXCEPTION_ENTRY,
  JUMP_ENTRY,
  MCOUNT_LOC,
  PARAVIRT_SITE,
  PLACE,
  STATIC_CALL_SITE,
} from "../../image/kernel_tables.ts";

/**
 * The part that a section of a compiled unit has in the comparison:
 *
 * - `code`, `data`: it holds functions or data, each with a name;
 * - `string`, `constant`: the linker merges its content, so only the content counts;
 * - `table`: it holds entries that each belong to a place in code (special_tables.ts);
 * - `note`: tools or the kernel's start read it, but never code that is patched live.
 */
export type SectionRole = "code" | "data" | "string" | "constant" | "table" | "note";

export function sectionRole(section: ElfSection): SectionRole {
  const { name, flags, type } = section;
  const isContent = type === SECTION_TYPE.progbits || type === SECTION_TYPE.nobits;
  if (SPECIAL_TABLES.has(name) || name === ORC_ENTRIES) return "table";
  if ((flags & SECTION_FLAG.alloc) === 0n || !isContent || isNote(name)) return "note";
  if ((flags & SECTION_FLAG.exec) !== 0n) return "code";
  if ((flags & SECTION_FLAG.merge) === 0n || section.entrySize === 0) return "data";
  return (flags & SECTION_FLAG.strings) !== 0n ? "string" : "constant";
}

export interface SpecialTable {
  /** The possible sizes of an entry in bytes. The first one that fits is used. */
  readonly entrySizes: readonly number[];
  /**
   * True if two functions differ even if only their entries in this table do. It is false for entries that
   * objtool derives from the code.
   */
  readonly isCompared: boolean;
  /** Returns the bytes of an entry that hold a line number. */
  readonly line?: (entry: Uint8Array) => Pick<Field<number>, "offset" | "size">;
  /**
   * Reports whether an entry brings nothing to its place. What it refers to besides the place then means nothing: it is
   * where the content of another entry begins.
   */
  readonly isEmpty?: (entry: Uint8Array) => boolean;
}

const derived = (size: number): SpecialTable => ({ entrySizes: [size], isCompared: false });

/** Reports whether an alternative replaces its instruction by nothing. */
function isEmptyAlternative(entry: Uint8Array): boolean {
  const { replacementLength } = (entry.length === ALT_INSTR.size ? ALT_INSTR : EARLY_ALT_INSTR).fields;
  return entry[replacementLength.offset] === 0;
}

/** The table of BUG() and WARN(). A WARN() that prints refers to its own entry (Linux 7.3, arch/x86/include/asm/bug.h). */
export const BUG_TABLE = "__bug_table";

/**
 * The tables whose entries begin with a reference to the code that they are about (Linux 6.1 to 7.3, x86).
 */
export const SPECIAL_TABLES: ReadonlyMap<string, SpecialTable> = new Map([
  [
    BUG_TABLE,
    {
      entrySizes: [EARLY_BUG_ENTRY.size, BUG_ENTRY.size],
      isCompared: true,
      line: ({ length }) => (length === BUG_ENTRY.size ? BUG_ENTRY : EARLY_BUG_ENTRY).fields.line,
    },
  ],
  ["__ex_table", { entrySizes: [EXCEPTION_ENTRY.size], isCompared: true }],
  ["__jump_table", { entrySizes: [JUMP_ENTRY.size], isCompared: true }],
  [
    ".altinstructions",
    {
      entrySizes: [EARLY_ALT_INSTR.size, ALT_INSTR.size],
      isCompared: true,
      isEmpty: isEmptyAlternative,
    },
  ],
  [".parainstructions", { entrySizes: [PARAVIRT_SITE.size], isCompared: true }],
  [".static_call_sites", { entrySizes: [STATIC_CALL_SITE.size], isCompared: true }],
  [".smp_locks", derived(PLACE.size)],
  [".retpoline_sites", derived(PLACE.size)],
  [".return_sites", derived(PLACE.size)],
  [".call_sites", derived(PLACE.size)],
  [".ibt_endbr_seal", derived(PLACE.size)],
  ["__mcount_loc", derived(MCOUNT_LOC.size)],
  [".orc_unwind_ip", derived(PLACE.size)],
]);

/** The sections of unwind information. ORC_ENTRIES has an entry for each place in ORC_ADDRESSES. */
export const ORC_ADDRESSES = ".orc_unwind_ip";
export const ORC_ENTRIES = ".orc_unwind";

const NOTES = [
  /^\.(?:discard|debug|note|comment|modinfo|symtab|strtab|shstrtab|BTF(?!_ids)|orc_header|printk_index)(?:[._]|$)/,
  /^\.?___?(?:ksymtab|kcrctab)/,
  /^(?:__ksymtab|___ksymtab|__kcrctab|___kcrctab|__modver|__versions|__patchable_function_entries)/,
  /^\.export_symbol$/,
];
const isNote = (name: string): boolean => NOTES.some((pattern) => pattern.test(name));

/**
 * Reports whether a section is freed after the start of the kernel or the module, so that no running code can
 * be in it.
 */
export const isInitSection = (name: string): boolean =>
  /^\.(?:init|exit|initcall|con_initcall|meminit|memexit|cpuinit|devinit|devexit|ref\.init)/.test(name) ||
  /^\.(?:initcall[0-9a-z]*|init)\./.test(name);
