import { type ElfSection, SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import type { Field } from "../../../shared/struct.ts";
import {
  ALT_INSTR,
  BUG_ENTRY,
  EARLY_ALT_INSTR,
  EXCEPTION_ENTRY,
  JUMP_ENTRY,
  MCOUNT_LOC,
  PARAVIRT_SITE,
  PLACE,
  STATIC_CALL_SITE,
} from "../../image/kernel_tables.ts";

/**
 * What a section of a compiled unit is to the difference:
 *
 * - `code`, `data`: of functions and data, each with a name;
 * - `string`, `constant`: merged by the linker, so what counts is their content;
 * - `table`: entries that each belong to a place in code (special_tables.ts);
 * - `note`: read by tools or by the kernel's start, never by code that is patched live.
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
  /** Bytes of an entry; the first fits. */
  readonly entrySizes: readonly number[];
  /** Whether two functions that differ in their entries alone differ. What objtool derives from the code does not count. */
  readonly isCompared: boolean;
  /** Bytes of an entry that hold a line number. */
  readonly line?: Pick<Field<number>, "offset" | "size">;
}

const derived = (size: number): SpecialTable => ({ entrySizes: [size], isCompared: false });

/** Tables whose entries begin with a reference to the code that they are about (Linux 6.1 and 6.12, x86). */
export const SPECIAL_TABLES: ReadonlyMap<string, SpecialTable> = new Map([
  ["__bug_table", { entrySizes: [BUG_ENTRY.size], isCompared: true, line: BUG_ENTRY.fields.line }],
  ["__ex_table", { entrySizes: [EXCEPTION_ENTRY.size], isCompared: true }],
  ["__jump_table", { entrySizes: [JUMP_ENTRY.size], isCompared: true }],
  [".altinstructions", { entrySizes: [EARLY_ALT_INSTR.size, ALT_INSTR.size], isCompared: true }],
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

/** The table of unwind entries has one for each place of .orc_unwind_ip. */
export const ORC_ADDRESSES = ".orc_unwind_ip";
export const ORC_ENTRIES = ".orc_unwind";

const NOTES = [
  /^\.(?:discard|debug|note|comment|modinfo|symtab|strtab|shstrtab|BTF(?!_ids)|orc_header|printk_index)(?:[._]|$)/,
  /^\.?___?(?:ksymtab|kcrctab)/,
  /^(?:__ksymtab|___ksymtab|__kcrctab|___kcrctab|__modver|__versions|__patchable_function_entries)/,
  /^\.export_symbol$/,
];
const isNote = (name: string): boolean => NOTES.some((pattern) => pattern.test(name));

/** Freed after the kernel's or the module's start: nothing that runs can be there. */
export const isInitSection = (name: string): boolean =>
  /^\.(?:init|exit|initcall|con_initcall|meminit|memexit|cpuinit|devinit|devexit|ref\.init)/.test(name) ||
  /^\.(?:initcall[0-9a-z]*|init)\./.test(name) ||
  /^\.data\.\.?init/.test(name);
