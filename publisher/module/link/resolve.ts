import { type Address, type TextOffset, textOffset } from "../../../shared/brand.ts";
import { type ElfSection, SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { type ElfSymbol, SYMBOL_BINDING, SYMBOL_TYPE } from "../../../shared/elf/symbols.ts";
import { ParseError } from "../../../shared/errors.ts";
import type { ModuleObject } from "../module_file.ts";
import type { Bases } from "./bases.ts";
import type { Placement } from "./placement.ts";

/** The address for which a symbol stands, and the number of the base with which it moves. */
export interface SymbolTarget {
  readonly address: bigint;
  readonly base: number;
}

/** The kernel that a module is linked against. */
export interface LinkKernel {
  readonly linkedText: Address;
  readonly exports: ReadonlyMap<string, Address>;
}

const PERCPU = ".data..percpu";
// The kernel's per-CPU variables are linked from address 0 on, everything else in the top 2 GiB.
const PERCPU_END = 0x1000_0000n;

/**
 * Returns a function that resolves a symbol by its number. It returns undefined for a symbol that is not understood, and
 * resolves each symbol only once.
 */
export function symbolResolver(
  module: ModuleObject,
  placement: Placement,
  kernel: LinkKernel,
  bases: Bases,
): (symbol: number) => SymbolTarget | undefined {
  const known = new Map<number, SymbolTarget | undefined>();
  const addressOf = (offset: number): bigint => kernel.linkedText + BigInt(offset);
  const textNumber = bases.number("text", () => textBase(placement));

  const resolve = (symbol: ElfSymbol): SymbolTarget | undefined => {
    if (symbol.section === SECTION_NUMBER.absolute) return absolute(bases, symbol.value);
    if (symbol.section === SECTION_NUMBER.undefined) return undefinedSymbol(symbol);
    const section = module.sections[symbol.section];
    const place = placement.places.get(symbol.section);
    if (section === undefined || place === undefined) return undefined;
    const isText = placement.textSections.includes(section);
    const base = isText ? textNumber : sectionNumber(module, section, place, bases);
    return base === undefined ? undefined : { address: addressOf(place) + symbol.value, base };
  };

  const undefinedSymbol = ({ name, binding }: ElfSymbol): SymbolTarget | undefined => {
    const exported = kernel.exports.get(name);
    if (exported !== undefined) {
      if (exported < PERCPU_END) return absolute(bases, exported);
      return { address: exported, base: bases.number("kernel", () => ({ kind: "kernel" })) };
    }
    // A weak symbol that is not defined anywhere is 0.
    if (binding === SYMBOL_BINDING.weak || name === "") return undefined;
    const { number, offset } = bases.import(name);
    return { address: addressOf(offset), base: number };
  };

  return (number) => {
    if (known.has(number)) return known.get(number);
    const symbol = module.symbols[number];
    if (symbol === undefined)
      throw new ParseError(`ELF: a relocation against symbol ${number}, which does not exist`);
    const target = resolve(symbol);
    known.set(number, target);
    return target;
  };
}

const absolute = (bases: Bases, address: bigint): SymbolTarget => ({
  address,
  base: bases.number("absolute", () => ({ kind: "absolute" })),
});

function textBase({ places, text, textSections }: Placement) {
  const sections = textSections.map(
    ({ name, index }) => [name, (places.get(index) ?? text.at) - text.at] as const,
  );
  return { kind: "text", ...text, sections } as const;
}

/**
 * Returns the number of a section's base, or undefined if a host can find the section neither by a file in /sys nor by a
 * symbol.
 */
function sectionNumber(
  { symbols }: ModuleObject,
  section: ElfSection,
  at: TextOffset,
  bases: Bases,
): number | undefined {
  const { name, index, size } = section;
  const extent = { at: textOffset(at), size: Math.max(size, 1) };
  const key = `section ${index}`;
  if (name !== PERCPU && size > 0) return bases.number(key, () => ({ kind: "section", ...extent, name }));
  const isAlone = (one: ElfSymbol): boolean =>
    symbols.every(
      (other) => other.name !== one.name || (other.section === index && other.value === one.value),
    );
  const symbol = symbols.find(
    (one) => one.section === index && one.type === SYMBOL_TYPE.object && isAlone(one),
  );
  if (symbol === undefined) return undefined;
  const offset = Number(symbol.value);
  return bases.number(key, () => ({ kind: "named", ...extent, symbol: symbol.name, offset }));
}
