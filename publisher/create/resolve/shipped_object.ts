import type { Address, ObjectName } from "../../../shared/brand.ts";
import { ByteReader } from "../../../shared/byte_reader.ts";
import { R_X86_64, RELOCATION_FIELDS, type Rela } from "../../../shared/elf/rela.ts";
import { SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { type ElfSymbol, SYMBOL_BINDING, SYMBOL_TYPE } from "../../../shared/elf/symbols.ts";
import type { KernelImage } from "../../image/kernel_image.ts";
import type { CompiledObject } from "../object/compiled_object.ts";
import { type DerivedTables, imageTables, moduleTables } from "./derived_tables.ts";

/** A symbol of a kernel object that the distribution ships. */
export interface ShippedSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly isGlobal: boolean;
  readonly isCode: boolean;
}

/**
 * The kernel's image or a module's file, with which compiled code is compared. Addresses in the image are its
 * link addresses. Those in a module are made up, with 4 GiB for each section and for each symbol of other
 * objects.
 */
export interface ShippedObject {
  readonly object: ObjectName;
  /** Returns the symbols of a name, in the order in which livepatch counts positions. */
  named(name: string): readonly ShippedSymbol[];
  /**
   * Returns the addresses at which a symbol that the unit does not define may lie, or [] if the name is not
   * known.
   */
  addressesOf(name: string): readonly bigint[];
  /**
   * Returns bytes of the object, or undefined where it has none: in zeroed data, or outside of everything.
   */
  bytes(at: bigint, length: number): Uint8Array | undefined;
  /** Returns symbol plus addend of a field that was filled in, or that will be. */
  operand(at: bigint, type: number): bigint | undefined;
  readonly derived: DerivedTables;
}

/** Makes the kernel's image available for comparison. @param object `vmlinux`. */
export function shippedImage(
  image: Pick<KernelImage, "memory" | "symbols" | "sections">,
  object: ObjectName,
): ShippedObject {
  const { memory, symbols } = image;
  const bytes = (at: bigint, length: number): Uint8Array | undefined =>
    memory.contains(at as Address, length) ? memory.read(at as Address, length) : undefined;
  const named = (name: string): readonly ShippedSymbol[] =>
    symbols.named(name).map(({ type, address }) => ({
      name,
      address,
      isGlobal: type !== type.toLowerCase(),
      isCode: /^[tTwW]$/.test(type),
    }));
  return {
    object,
    derived: imageTables(image),
    named,
    addressesOf: (name) => symbols.named(name).map(({ address }) => address),
    bytes,
    operand: (at, type) => {
      const field = bytes(at, sizeOf(type));
      return field === undefined ? undefined : filledIn(field, at, type);
    },
  };
}

const sizeOf = (type: number): 4 | 8 => RELOCATION_FIELDS.get(type)?.size ?? 4;
const isRelative = (type: number): boolean => RELOCATION_FIELDS.get(type)?.relative ?? false;

function filledIn(field: Uint8Array, at: bigint, type: number): bigint {
  const reader = new ByteReader(field, "operand");
  if (type === R_X86_64._64) return reader.u64();
  if (type === R_X86_64._32) return BigInt(reader.u32());
  const value = sizeOf(type) === 8 ? reader.s64() : BigInt(reader.s32());
  return BigInt.asUintN(64, isRelative(type) ? at + value : value);
}

const SPACE = 32n;
const OUTSIDE = 1n << 62n;

/** Makes a module's opened file available for comparison. */
export function shippedModule({ sections, symbols }: CompiledObject, object: ObjectName): ShippedObject {
  const byName = new Map<string, ElfSymbol[]>();
  for (const symbol of symbols) {
    const list = byName.get(symbol.name);
    if (list === undefined) byName.set(symbol.name, [symbol]);
    else list.push(symbol);
  }
  const numbers = new Map([...byName.keys()].map((name, i) => [name, BigInt(i)]));
  const inSection = (section: number, offset: bigint): bigint => (BigInt(section + 1) << SPACE) + offset;
  const addressOf = ({ section, name, value }: ElfSymbol): bigint =>
    section === SECTION_NUMBER.undefined
      ? OUTSIDE + ((numbers.get(name) ?? 0n) << SPACE)
      : inSection(section, value);
  const sectionAt = (at: bigint) => sections[Number(at >> SPACE) - 1];
  const offsetOf = (at: bigint): number => Number(BigInt.asUintN(Number(SPACE), at));
  const bytes = (at: bigint, length: number): Uint8Array | undefined => {
    const found = sectionAt(at)?.bytes;
    const start = offsetOf(at);
    return found === undefined || start + length > found.length
      ? undefined
      : found.subarray(start, start + length);
  };
  const relocations = new Map<number, ReadonlyMap<number, Rela>>();
  const relocationAt = (at: bigint): Rela | undefined => {
    const section = sectionAt(at);
    if (section === undefined) return undefined;
    const known =
      relocations.get(section.index) ??
      new Map(section.relocations.map((rela) => [rela.offset, rela] as const));
    relocations.set(section.index, known);
    return known.get(offsetOf(at));
  };
  return {
    object,
    derived: moduleTables({ sections, symbols }, inSection),
    named: (name) =>
      (byName.get(name) ?? [])
        .filter(({ section }) => section !== SECTION_NUMBER.undefined)
        .map((symbol) => ({
          name,
          address: addressOf(symbol),
          isGlobal: symbol.binding !== SYMBOL_BINDING.local,
          isCode: symbol.type === SYMBOL_TYPE.func,
        })),
    addressesOf: (name) => (byName.get(name) ?? []).map(addressOf),
    bytes,
    operand: (at, type) => {
      const rela = relocationAt(at);
      const symbol = rela && symbols[rela.symbol];
      if (rela !== undefined && symbol !== undefined) {
        return isRelative(rela.type) === isRelative(type) ? addressOf(symbol) + rela.addend : undefined;
      }
      // The assembler fills in relative fields within a section.
      const field = isRelative(type) ? bytes(at, sizeOf(type)) : undefined;
      return field === undefined ? undefined : filledIn(field, at, type);
    },
  };
}
