import { type Address, textOffset } from "../../../shared/brand.ts";
import { ByteReader } from "../../../shared/byte_reader.ts";
import { counted } from "../../../shared/counted.ts";
import type { ElfSection } from "../../../shared/elf/sections.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import type { UndoneSite } from "../../../shared/runpre/sites/site_kinds.ts";
import type { LinkedMemory } from "../linked_memory.ts";
import type { SymbolTable } from "../symbol_table.ts";

// The longest table of a distribution's kernel, of returns, has 60,000 entries.
const MAX_ENTRIES = 2_000_000;

/** What the tables of patch sites are found in: a kernel, or a module and the kernel that it is for. */
export interface SiteSources {
  readonly memory: LinkedMemory;
  /** Of the kernel, or of the module, by the addresses that they are linked at. */
  readonly sections: readonly ElfSection[];
  /** The kernel's. */
  readonly symbols: SymbolTable;
  /** Those of the code itself: the kernel's again, or the module's. */
  readonly own: SymbolTable;
  readonly linkedText: Address;
  /** What is moved with the kernel, or by the module's loader, of the bytes from `start` to `end` (from `_text`). */
  relocated(start: number, end: number): readonly UndoneSite[];
  readonly module?: ModuleSources;
}

/** What is otherwise in a module. */
export interface ModuleSources {
  /** Code of the module that stays in memory. */
  isText(offset: number): boolean;
  /** A place of another module, whose bytes are not known. */
  isImport(offset: number): boolean;
  /** Whether lock prefixes are taken out there. */
  hasLocks(offset: number): boolean;
  /** Tables name the keys of static calls that are not exported by their trampolines. */
  staticCallKey(key: bigint): bigint;
}

/** The bytes of one table and the link address of its first one. */
export interface SiteTable {
  readonly address: Address;
  readonly bytes: Uint8Array;
}

/** The table that is a section of its own, undefined if the kernel has no such section. */
export function sectionTable({ sections, memory }: SiteSources, name: string): SiteTable | undefined {
  const section = sections.find((s) => s.name === name);
  if (section === undefined) return undefined;
  return { address: section.address, bytes: memory.read(section.address, section.size) };
}

/** A table that the kernel's linker script has between two symbols; in a module it is a section. */
export const linkerTable = (
  sources: SiteSources,
  section: string,
  start: string,
  stop: string,
): SiteTable | undefined =>
  sources.module ? sectionTable(sources, section) : symbolsTable(sources, start, stop);

/** The table between two symbols of the kernel, undefined if the kernel does not have them. */
export function symbolsTable(
  { symbols, memory }: Pick<SiteSources, "symbols" | "memory">,
  start: string,
  stop: string,
): SiteTable | undefined {
  const from = symbols.only(start)?.address;
  const to = symbols.only(stop)?.address;
  if (from === undefined && to === undefined) return undefined;
  if (from === undefined || to === undefined || to < from || to - from > 0x1000_0000n) {
    throw new ParseError(`the symbols ${start} and ${stop} do not enclose a table`);
  }
  return { address: from, bytes: memory.read(from, Number(to - from)) };
}

/** Calls `read` with the reader at the start of each entry, and the entry's own address. */
export function mapEntries<T>(
  table: SiteTable | undefined,
  what: string,
  size: number,
  read: (reader: ByteReader, at: bigint) => T,
): readonly T[] {
  if (table === undefined) return [];
  const { bytes, address } = table;
  if (bytes.length % size !== 0)
    throw new ParseError(`${what}: ${counted(bytes.length, "byte")} in entries of ${size}`);
  if (bytes.length > MAX_ENTRIES * size) {
    throw new RebootlessError("limit", `${what}: more than ${MAX_ENTRIES} entries`);
  }
  const reader = new ByteReader(bytes, what);
  return Array.from({ length: bytes.length / size }, (_, i) =>
    read(reader.seek(i * size), address + BigInt(i * size)),
  );
}

/** The target of a table of s32, each a distance from itself: how the kernel writes most of its tables. */
export function relativeTargets(table: SiteTable | undefined, what: string): readonly bigint[] {
  return mapEntries(table, what, 4, (reader, at) => at + BigInt(reader.s32()));
}

/** Bytes from `_text`. Throws ParseError for an address outside of the kernel's text mapping. */
export const siteOffset = ({ linkedText }: SiteSources, address: bigint): number =>
  textOffset(Number(address - linkedText));

/** The instruction bytes at a site, at most `length`. */
export const codeAt = ({ memory }: SiteSources, address: bigint, length: number): Uint8Array =>
  memory.read(address as Address, length);
