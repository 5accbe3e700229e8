import { concatBytes } from "../../../shared/bytes.ts";
import { SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { SYMBOL } from "../../../shared/elf/structs.ts";
import { SYMBOL_BINDING, SYMBOL_TYPE } from "../../../shared/elf/symbols.ts";
import type { ModulePlace, ModuleSection, ModuleTarget } from "./module_sections.ts";
import { StringTable } from "./string_table.ts";

/** A name for a place of the module. */
export interface ModuleSymbol {
  readonly name: string;
  readonly place: ModulePlace;
  readonly size: number;
  readonly kind: "function" | "object" | "none";
  readonly isGlobal: boolean;
}

/** A symbol table, with the number of the symbol that stands for each target of a relocation. */
export interface SymbolEntries {
  readonly table: Uint8Array;
  readonly strings: Uint8Array;
  /** The number of local symbols, which come first. */
  readonly localCount: number;
  /** Returns the number of a target's symbol, and what its place adds to the addend. */
  reference(target: ModuleTarget): { readonly symbol: number; readonly offset: bigint };
}

interface Entry {
  readonly name: string;
  readonly info: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

const GLOBAL = SYMBOL_BINDING.global << 4;
const NOTHING: Entry = { name: "", info: 0, section: SECTION_NUMBER.undefined, value: 0, size: 0 };
const TYPES = { function: SYMBOL_TYPE.func, object: SYMBOL_TYPE.object, none: SYMBOL_TYPE.none } as const;

/** Returns the number of a module's section in its file, where section 0 is the empty one. */
export const fileIndex = (section: number): number => section + 1;

export function symbolEntries(
  sections: readonly ModuleSection[],
  symbols: readonly ModuleSymbol[],
): SymbolEntries {
  const targets = sections.flatMap(({ relocations }) => relocations.map(({ target }) => target));
  const locals = [
    NOTHING,
    ...sections.map((_, index) => ({ ...NOTHING, info: SYMBOL_TYPE.section, section: fileIndex(index) })),
    ...symbols.filter(({ isGlobal }) => !isGlobal).map((symbol) => defined(symbol, 0)),
  ];
  const own = symbols.filter(({ isGlobal }) => isGlobal);
  const globals = [
    ...own.map((symbol) => defined(symbol, GLOBAL)),
    ...undefinedSymbols(targets, own),
    ...livepatchSymbols(targets),
  ];
  const numbers = new Map(globals.map(({ name }, index) => [name, locals.length + index]));
  const strings = new StringTable();
  const table = encode([...locals, ...globals], strings);
  return {
    table,
    strings: strings.finish(),
    localCount: locals.length,
    reference: (target) => {
      if (target.kind === "place")
        return { symbol: fileIndex(target.place.section), offset: BigInt(target.place.offset) };
      const symbol = numbers.get(target.kind === "symbol" ? target.name : target.symbol);
      if (symbol === undefined) throw new RangeError("a relocation whose symbol was not collected");
      return { symbol, offset: 0n };
    },
  };
}

const defined = ({ name, kind, place, size }: ModuleSymbol, binding: number): Entry => ({
  name,
  info: binding | TYPES[kind],
  section: fileIndex(place.section),
  value: place.offset,
  size,
});

function undefinedSymbols(targets: readonly ModuleTarget[], own: readonly ModuleSymbol[]): readonly Entry[] {
  const names = new Set(targets.flatMap((target) => (target.kind === "symbol" ? [target.name] : [])));
  for (const { name } of own) names.delete(name);
  return [...names].sort().map((name) => ({ ...NOTHING, name, info: GLOBAL }));
}

function livepatchSymbols(targets: readonly ModuleTarget[]): readonly Entry[] {
  const names = new Set(targets.flatMap((target) => (target.kind === "livepatch" ? [target.symbol] : [])));
  return [...names]
    .sort()
    .map((name) => ({ ...NOTHING, name, info: GLOBAL, section: SECTION_NUMBER.livepatch }));
}

const encode = (entries: readonly Entry[], strings: StringTable): Uint8Array =>
  concatBytes(
    entries.map(({ name, info, section, value, size }) =>
      SYMBOL.encode({ name: strings.add(name), info, section, value: BigInt(value), size: BigInt(size) }),
    ),
  );
