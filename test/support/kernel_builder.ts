import { gzipSync } from "node:zlib";
import { concatBytes, utf8 } from "../../shared/bytes.ts";
import { buildElf, le, note, padTo, SEGMENTS_AT, type SectionSpec } from "./elf_builder.ts";

/** A kernel of a few functions with everything that openKernelImage looks for, laid out by hand. */
export const LINKED_TEXT = 0xffff_ffff_8100_0000n;
export const BUILD_ID = "00112233445566778899aabbccddeeff00112233";
export const BANNER = "Linux version 6.1.0-test (builder@example) (gcc 12) #1 SMP";
/** Offsets from `_text`. */
export const PLACE = {
  plain: 0x100,
  locked: 0x140,
  alternative: 0x180,
  twin1: 0x1c0,
  twin2: 0x200,
  thunk: 0x240,
  itsThunk: 0x260,
  branching: 0x280,
  oddReturn: 0x2c0,
  etext: 0x300,
  notes: 0x400,
  tables: 0x500,
  thunkVariable: 0xc00,
  uniprocessor: 0xc08,
  key: 0xc10,
  banner: 0xd00,
  kallsyms: 0x1000,
} as const;
export const PLAIN_SITES = { ftrace: 0, reloc32: 8, reloc64: 16, reloc32neg: 28, return_thunk: 40 } as const;

/** Places in fn_alternative, of 5 bytes each: `clac` where there is SMAP; `lfence` where a feature is missing. */
export const ALTERNATIVES = { smap: 2, fence: 12 } as const;
export const FEATURES = { smap: 308, other: 364 } as const;
const REPLACEMENTS = Uint8Array.of(0x0f, 0x01, 0xca, 0x0f, 0xae, 0xe8);

export type Layout = "6.1" | "6.1 without sequences" | "6.12" | "7.0";
export type BuilderSymbol = readonly [name: string, type: string, address: bigint];

const SIZE = 0x8000;
const NOP5 = [0x0f, 0x1f, 0x44, 0x00, 0x00];
const at = (offset: number): bigint => LINKED_TEXT + BigInt(offset);
const jump = (from: number, to: number): Uint8Array =>
  concatBytes([Uint8Array.of(0xe9), le(to - from - 5, 4)]);

export interface KernelSpec {
  readonly layout?: Layout;
  readonly symbols?: readonly BuilderSymbol[];
  /** Bytes of an entry of .altinstructions. */
  readonly alternativeSize?: 12 | 14;
  readonly relocations?: Uint8Array;
}

const TABLES = {
  mcount: PLACE.tables,
  returns: PLACE.tables + 0x20,
  locks: PLACE.tables + 0x40,
  alternatives: PLACE.tables + 0x60,
  replacement: PLACE.tables + 0xa0,
  jumps: PLACE.tables + 0xc0,
} as const;

/** Sorted by address, with 300 more so that kallsyms has a second marker. */
export const SYMBOLS: readonly BuilderSymbol[] = [
  ["percpu_variable", "A", 0n],
  ["_text", "T", at(0)],
  ["__fentry__", "T", at(0x20)],
  ["text_poke_apply_relocation", "T", at(0x40)],
  ["fn_plain", "t", at(PLACE.plain)],
  ["fn_plain_alias", "T", at(PLACE.plain)],
  ["fn_locked", "t", at(PLACE.locked)],
  ["fn_alternative", "t", at(PLACE.alternative)],
  ["twin", "t", at(PLACE.twin1)],
  ["twin", "t", at(PLACE.twin2)],
  ["__x86_return_thunk", "T", at(PLACE.thunk)],
  ["its_return_thunk", "T", at(PLACE.itsThunk)],
  ["fn_branching", "t", at(PLACE.branching)],
  ["fn_odd_return", "t", at(PLACE.oddReturn)],
  ["_etext", "T", at(PLACE.etext)],
  ["__start_mcount_loc", "D", at(TABLES.mcount)],
  ["__stop_mcount_loc", "D", at(TABLES.mcount + 16)],
  ["__start___jump_table", "D", at(TABLES.jumps)],
  ["__stop___jump_table", "D", at(TABLES.jumps + 16)],
  ["x86_return_thunk", "D", at(PLACE.thunkVariable)],
  ["uniproc_patched", "b", at(PLACE.uniprocessor)],
  ...Array.from({ length: 300 }, (_, i): BuilderSymbol => [`data_${i}`, "d", at(0x4000 + i)]),
];

/** The ELF file of the kernel, with its relocation table behind it. */
export function buildKernelElf(spec: KernelSpec = {}): Uint8Array {
  const memory = new Uint8Array(SIZE);
  const put = (offset: number, ...parts: readonly Uint8Array[]): void =>
    memory.set(concatBytes(parts), offset);
  for (let i = 0; i < PLACE.etext; i++) memory[i] = (i * 7 + 3) & 0xff;
  putPlain(put);
  put(PLACE.oddReturn + 8, Uint8Array.of(0x0f, 0x84), le(PLACE.thunk - PLACE.oddReturn - 14, 4));
  put(PLACE.locked + 4, Uint8Array.of(0xf0));
  put(PLACE.alternative + ALTERNATIVES.smap, Uint8Array.of(0x90, 0x90, 0x90, 0x90, 0x90));
  put(PLACE.alternative + ALTERNATIVES.fence, Uint8Array.of(0xe9), le(0x60, 4));
  put(PLACE.branching + 4, Uint8Array.of(0xeb, 0x10));
  put(PLACE.thunkVariable, le(at(PLACE.thunk), 8));
  put(PLACE.banner, utf8(`Linux version %s (%s)\0${BANNER}\n\0`));
  const notes = concatBytes([
    note("Linux", 0x100, utf8("salt")),
    note("GNU", 3, Uint8Array.from(Buffer.from(BUILD_ID, "hex"))),
  ]);
  put(PLACE.notes, notes);
  const sections = [
    ...putTables(put, spec.alternativeSize ?? 12),
    section(".notes", PLACE.notes, notes, 2, 7),
  ];
  put(PLACE.kallsyms, kallsyms(spec.symbols ?? SYMBOLS, spec.layout ?? "6.1"));
  return concatBytes([
    buildElf({ type: 2, segments: [{ address: LINKED_TEXT, data: memory }], sections }),
    spec.relocations ?? relocationTable(),
  ]);
}

type Put = (offset: number, ...parts: readonly Uint8Array[]) => void;

function putPlain(put: Put): void {
  const { plain } = PLACE;
  put(plain + PLAIN_SITES.ftrace, Uint8Array.from(NOP5));
  put(plain + PLAIN_SITES.reloc32, le(at(0x4000), 4));
  put(plain + PLAIN_SITES.reloc64, le(at(0x4008), 8));
  put(plain + PLAIN_SITES.reloc32neg, le(0x1234 - 0x8100_0000, 4));
  put(plain + PLAIN_SITES.return_thunk, jump(plain + PLAIN_SITES.return_thunk, PLACE.thunk));
}

function putTables(put: Put, alternativeSize: number): readonly SectionSpec[] {
  const relative = (from: number, to: number): Uint8Array => le(to - from, 4);
  const returns = concatBytes([
    relative(TABLES.returns, PLACE.plain + PLAIN_SITES.return_thunk),
    relative(TABLES.returns + 4, PLACE.oddReturn + 8),
  ]);
  const locks = relative(TABLES.locks, PLACE.locked + 4);
  const condition = (feature: number, absent: boolean): Uint8Array =>
    alternativeSize === 12
      ? le(feature | (absent ? 0x8000 : 0), 2)
      : concatBytes([le(feature, 2), le(Number(absent), 2)]);
  const alternative = (
    entry: number,
    site: number,
    replacement: number,
    feature: number,
    absent: boolean,
  ): Uint8Array =>
    concatBytes([
      relative(entry, site),
      relative(entry + 4, replacement),
      condition(feature, absent),
      Uint8Array.of(5, 3),
    ]);
  const { alternatives } = TABLES;
  const table = concatBytes([
    alternative(
      alternatives,
      PLACE.alternative + ALTERNATIVES.smap,
      TABLES.replacement,
      FEATURES.smap,
      false,
    ),
    alternative(
      alternatives + alternativeSize,
      PLACE.alternative + ALTERNATIVES.fence,
      TABLES.replacement + 3,
      FEATURES.other,
      true,
    ),
  ]);
  put(TABLES.mcount, le(at(PLACE.plain), 8), le(0, 8));
  put(TABLES.returns, returns);
  put(TABLES.locks, locks);
  put(alternatives, table);
  put(TABLES.replacement, REPLACEMENTS);
  put(
    TABLES.jumps,
    relative(TABLES.jumps, PLACE.branching + 4),
    relative(TABLES.jumps + 4, PLACE.branching + 22),
    le(PLACE.key - TABLES.jumps - 8, 8),
  );
  return [
    section(".text", 0, new Uint8Array(PLACE.etext), 6),
    section(".return_sites", TABLES.returns, returns, 2),
    section(".smp_locks", TABLES.locks, locks, 2),
    section(".altinstructions", alternatives, table, 2),
    section(".altinstr_replacement", TABLES.replacement, REPLACEMENTS, 6),
  ];
}

const section = (name: string, offset: number, data: Uint8Array, flags: number, type = 1): SectionSpec => ({
  name,
  data,
  flags,
  type,
  address: at(offset),
  fileOffset: SEGMENTS_AT + offset,
});

/** As the kernel's build appends it: 64-bit, inverse 32-bit, 32-bit, each list after a zero. */
export const relocationTable = (): Uint8Array =>
  concatBytes([
    le(0, 4),
    le(at(PLACE.plain + PLAIN_SITES.reloc64), 4),
    le(0, 4),
    le(at(PLACE.plain + PLAIN_SITES.reloc32neg), 4),
    le(0, 4),
    le(at(PLACE.plain + PLAIN_SITES.reloc32), 4),
  ]);

/** Token 1 stands for "data_", printable ASCII for itself. */
const TOKENS = Array.from({ length: 256 }, (_, i) =>
  i === 1 ? "data_" : i > 32 && i < 127 ? String.fromCharCode(i) : "!?",
);
const compress = (text: string): Uint8Array => utf8(text.replaceAll("data_", "\u0001"));

/** Where each part starts when they are laid end to end, and where the last one ends. */
function runningSum(parts: readonly Uint8Array[]): readonly number[] {
  let at = 0;
  return [
    0,
    ...parts.map((part) => {
      at += part.length;
      return at;
    }),
  ];
}

/** The tables of scripts/kallsyms.c in either order. */
export function kallsyms(symbols: readonly BuilderSymbol[], layout: Layout): Uint8Array {
  const names = symbols
    .map(([name, type]) => compress(type + name))
    .map((n) => concatBytes([le(n.length, 1), n]));
  const starts = runningSum(names);
  const markers = starts.filter((_, i) => i % 256 === 0 && i < symbols.length).map((start) => le(start, 4));
  const tokens = TOKENS.map((token) => utf8(`${token}\0`));
  const tokenStarts = runningSum(tokens);
  const alignment = layout === "7.0" ? 4 : 8;
  const pad = (...parts: readonly Uint8Array[]): Uint8Array => padTo(concatBytes(parts), alignment);
  const offsets = [
    pad(...symbols.map(([, , address]) => le(address === 0n ? 0n : LINKED_TEXT - 1n - address, 4))),
    le(LINKED_TEXT, 8),
  ];
  const named = [pad(le(symbols.length, 4)), pad(...names), pad(...markers)];
  const dictionary = [pad(...tokens), pad(...tokenStarts.slice(0, 256).map((start) => le(start, 2)))];
  const sequences = [pad(...symbols.map((_, i) => le(i, 3)))];
  if (layout === "7.0") {
    const before = concatBytes([...named, ...dictionary]);
    const table = LINKED_TEXT + BigInt(PLACE.kallsyms + before.length);
    const distances = symbols.map(([, , address], i) => le(address - table - BigInt(4 * i), 4));
    return concatBytes([before, ...distances, ...sequences]);
  }
  if (layout === "6.12") return concatBytes([...named, ...dictionary, ...offsets, ...sequences]);
  return concatBytes([...offsets, ...named, ...(layout === "6.1" ? sequences : []), ...dictionary]);
}

/** A bzImage around a compressed payload. */
export function bootImage(payload: Uint8Array): Uint8Array {
  const setup = new Uint8Array(5 * 512);
  setup[0x1f1] = 4;
  setup.set(utf8("HdrS"), 0x202);
  setup.set(le(0x20f, 2), 0x206);
  setup.set(le(0x20, 4), 0x248);
  setup.set(le(payload.length, 4), 0x24c);
  return concatBytes([setup, new Uint8Array(0x20), payload, new Uint8Array(16)]);
}

/** LZ4 legacy with literals only, and the unpacked size behind it, as the kernel's build appends it. */
export function lz4Payload(bytes: Uint8Array): Uint8Array {
  const extra = bytes.length - 15;
  const block = concatBytes([
    Uint8Array.of(0xf0),
    new Uint8Array(Math.floor(extra / 255)).fill(255),
    Uint8Array.of(extra % 255),
    bytes,
  ]);
  return concatBytes([le(0x184c2102, 4), le(block.length, 4), block, le(bytes.length, 4)]);
}

export const gzipPayload = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes));
