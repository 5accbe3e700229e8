import { SECTION_FLAG } from "../../../shared/elf/sections.ts";
import { ParseError } from "../../../shared/errors.ts";
import type { FeatureCondition } from "../../../shared/runpre/sites/site_kinds.ts";
import { ALT_INSTR, EARLY_ALT_INSTR } from "../kernel_tables.ts";
import {
  type KernelTableEntry,
  mapEntries,
  type SiteSources,
  type SiteTable,
  sectionTable,
} from "./sources.ts";

/**
 * One entry of the table: on some CPUs, `length` bytes at `site` are replaced by `replacementLength` bytes
 * from `replacement`.
 */
export interface Alternative {
  readonly site: bigint;
  readonly replacement: bigint;
  readonly length: number;
  readonly replacementLength: number;
  readonly condition: FeatureCondition;
  /**
   * True if the replacement is a call of the function that the site's pointer names (ALT_FLAG_DIRECT_CALL).
   */
  readonly isDirectCall: boolean;
  readonly hasUnknownFlags: boolean;
}

export interface AlternativeTable {
  readonly entries: readonly Alternative[];
  /** The size of an entry. It is 14 since 6.3, where the feature number got 16 bits of flags. */
  readonly entrySize: 12 | 14;
}

const ENTRY_SIZES = [12, 14] as const; // of EARLY_ALT_INSTR and ALT_INSTR
const EARLY_NOT = 0x8000; // with 12 bytes: ALTINSTR_FLAG_INV
const NOT = 1;
const DIRECT_CALL = 2;

/**
 * Reads `.altinstructions`, in the order in which the kernel applies it.
 * @throws ParseError if its entries have no clear size.
 */
export function alternativeTable(sources: SiteSources): AlternativeTable | undefined {
  const table = sectionTable(sources, ".altinstructions");
  if (table === undefined) return undefined;
  const fitting = ENTRY_SIZES.flatMap((entrySize) => {
    const entries = readEntries(table, entrySize);
    return entries?.every((entry) => isPlausible(sources, entry)) ? [{ entries, entrySize }] : [];
  });
  const [found, other] = fitting;
  if (found === undefined || (other !== undefined && found.entries.length > 0)) {
    throw new ParseError("the entries of .altinstructions are neither 12 nor 14 bytes long");
  }
  return found;
}

function readEntries(table: SiteTable, size: 12 | 14): readonly Alternative[] | undefined {
  if (table.bytes.length % size !== 0) return undefined;
  return mapEntries(table, ".altinstructions", size, size === 12 ? earlyEntry : laterEntry);
}

function earlyEntry(entry: KernelTableEntry): Alternative {
  const packed = entry.get(EARLY_ALT_INSTR.fields.feature);
  return alternative(entry, EARLY_ALT_INSTR.fields, packed & ~EARLY_NOT, packed & EARLY_NOT ? NOT : 0);
}

function laterEntry(entry: KernelTableEntry): Alternative {
  const { feature, flags } = ALT_INSTR.fields;
  return alternative(entry, ALT_INSTR.fields, entry.get(feature), entry.get(flags));
}

const alternative = (
  entry: KernelTableEntry,
  fields: typeof EARLY_ALT_INSTR.fields,
  feature: number,
  flags: number,
): Alternative => ({
  site: entry.target(fields.site),
  replacement: entry.target(fields.replacement),
  length: entry.get(fields.length),
  replacementLength: entry.get(fields.replacementLength),
  condition: { feature, present: (flags & NOT) === 0 },
  isDirectCall: (flags & DIRECT_CALL) !== 0,
  hasUnknownFlags: (flags & ~(NOT | DIRECT_CALL)) !== 0,
});

/**
 * Tells whether the site is code and the replacement lies in its section. With the wrong entry size, neither
 * is so for long.
 */
function isPlausible(sources: SiteSources, entry: Alternative): boolean {
  const replacements = sources.sections.find((s) => s.name === ".altinstr_replacement");
  const code = sources.sections.some(
    (s) =>
      (s.flags & SECTION_FLAG.exec) !== 0n &&
      entry.site >= s.address &&
      entry.site + BigInt(entry.length) <= s.address + BigInt(s.size),
  );
  if (!code || entry.length === 0 || entry.replacementLength > entry.length) return false;
  if (entry.replacementLength === 0) return true;
  return (
    replacements !== undefined &&
    entry.replacement >= replacements.address &&
    entry.replacement + BigInt(entry.replacementLength) <= replacements.address + BigInt(replacements.size)
  );
}
