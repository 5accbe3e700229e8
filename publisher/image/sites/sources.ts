import { type Address, textOffset } from "../../../shared/brand.ts";
import { ByteReader } from "../../../shared/byte_reader.ts";
import { counted } from "../../../shared/counted.ts";
import type { ElfSection } from "../../../shared/elf/sections.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import type { UndoneSite } from "../../../shared/runpre/sites/site_kinds.ts";
import type { Field } from "../../../shared/struct.ts";
import { PLACE } from "../kernel_tables.ts";
import type { LinkedMemory } from "../linked_memory.ts";
import type { SymbolTable } from "../symbol_table.ts";

// The largest number of entries in a table. The longest table of a distribution's kernel, that of returns,
// has 60,000.
const MAX_ENTRIES = 2_000_000;

/**
 * The code in which the tables of patch sites are found: a kernel, or a module and the kernel that it is for.
 */
export interface SiteSources {
  readonly memory: LinkedMemory;
  /** The sections of the kernel or of the module, by the addresses that they are linked at. */
  readonly sections: readonly ElfSection[];
  /** The symbols of the kernel. */
  readonly symbols: SymbolTable;
  /** The symbols of the code itself: the kernel's again, or the module's. */
  readonly own: SymbolTable;
  readonly linkedText: Address;
  /**
   * Returns the places that are moved with the kernel, or by the module's loader, in the bytes from `start`
   * to `end` (from `_text`).
   */
  relocated(start: number, end: number): readonly UndoneSite[];
  readonly module?: ModuleSources;
}

/** The facts about a module that differ from those about a kernel. */
export interface ModuleSources {
  /** Tells whether an offset is in code of the module that stays in memory. */
  isText(offset: number): boolean;
  /** Tells whether an offset is in another module, whose bytes are not known. */
  isImport(offset: number): boolean;
  /** Tells whether lock prefixes are taken out at an offset. */
  hasLocks(offset: number): boolean;
  /**
   * Returns the static call key that a table's entry means. Tables name keys that are not exported by their
   * trampolines.
   */
  staticCallKey(key: bigint): bigint;
}

/** A table: its bytes, and the link address of its first byte. */
export interface SiteTable {
  readonly address: Address;
  readonly bytes: Uint8Array;
}

/** Returns the table that is a section of its own, or undefined if the kernel has no such section. */
export function sectionTable(
  { sections, memory }: Pick<SiteSources, "sections" | "memory">,
  name: string,
): SiteTable | undefined {
  const section = sections.find((s) => s.name === name);
  if (section === undefined) return undefined;
  return { address: section.address, bytes: memory.read(section.address, section.size) };
}

/** Returns a table that the kernel's linker script has between two symbols. In a module it is a section. */
export const linkerTable = (
  sources: SiteSources,
  section: string,
  start: string,
  stop: string,
): SiteTable | undefined =>
  sources.module ? sectionTable(sources, section) : symbolsTable(sources, start, stop);

/** Returns the table between two symbols of the kernel, or undefined if the kernel does not have them. */
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

/** An entry of one of the kernel's tables (kernel_tables.ts). */
export class KernelTableEntry {
  readonly #reader: ByteReader;
  readonly #at: number;
  readonly #address: bigint;

  /**
   * Makes an entry.
   * @param at the offset of the entry in the reader's bytes.
   * @param address the address of the entry in the kernel.
   */
  constructor(reader: ByteReader, at: number, address: bigint) {
    this.#reader = reader;
    this.#at = at;
    this.#address = address;
  }

  get<T>(field: Field<T>): T {
    return field.read(this.#reader, this.#at);
  }

  /**
   * Returns the address that a field names by its distance from itself, which is how the kernel writes most
   * of its tables.
   */
  target(field: Field<number> | Field<bigint>): bigint {
    const distance = BigInt(this.get(field as Field<number>));
    return this.#address + BigInt(field.offset) + distance;
  }
}

/**
 * Reads every entry of a table. Returns no entries if there is no table.
 * @throws ParseError
 * @throws RebootlessError `limit`.
 */
export function mapEntries<T>(
  table: SiteTable | undefined,
  what: string,
  size: number,
  read: (entry: KernelTableEntry) => T,
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
    read(new KernelTableEntry(reader, i * size, address + BigInt(i * size))),
  );
}

/** Returns the targets of a table of distances. */
export const relativeTargets = (table: SiteTable | undefined, what: string): readonly bigint[] =>
  mapEntries(table, what, PLACE.size, (entry) => entry.target(PLACE.fields.place));

/**
 * Returns the offset of an address from `_text`, in bytes.
 * @throws ParseError for an address outside of the kernel's text mapping.
 */
export const siteOffset = ({ linkedText }: SiteSources, address: bigint): number =>
  textOffset(Number(address - linkedText));

/** Returns the instruction bytes at a site, at most `length`. */
export const codeAt = ({ memory }: SiteSources, address: bigint, length: number): Uint8Array =>
  memory.read(address as Address, length);

/** Tells whether code stays after boot. Initialisation code is freed, so nothing can be read there. */
export function isKept({ symbols, linkedText, module }: SiteSources, at: number): boolean {
  if (module !== undefined) return module.isText(at);
  const end = symbols.only("_etext")?.address;
  return end !== undefined && at < Number(end - linkedText);
}
