import { concatBytes, utf8 } from "../../shared/bytes.ts";

/** Little-endian bytes of `value`, `size` of them; negative values wrap. */
export function le(value: number | bigint, size: number): Uint8Array {
  let rest = BigInt.asUintN(8 * size, BigInt(value));
  return Uint8Array.from({ length: size }, () => {
    const byte = Number(rest & 0xffn);
    rest >>= 8n;
    return byte;
  });
}

export const padTo = (bytes: Uint8Array, alignment: number): Uint8Array =>
  concatBytes([bytes, new Uint8Array((alignment - (bytes.length % alignment)) % alignment)]);

export interface SectionSpec {
  readonly name: string;
  readonly data: Uint8Array;
  readonly type?: number;
  readonly flags?: number;
  readonly address?: bigint;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
  /** Where the bytes already lie in the file (in a segment); otherwise they are appended. */
  readonly fileOffset?: number;
}

export interface SegmentSpec {
  readonly type?: number;
  readonly address: bigint;
  readonly data: Uint8Array;
}

export interface ElfSpec {
  readonly type: number;
  readonly sections?: readonly SectionSpec[];
  readonly segments?: readonly SegmentSpec[];
}

export interface SymbolSpec {
  readonly name: string;
  readonly type?: number;
  readonly binding?: number;
  readonly section: number;
  readonly value?: number;
  readonly size?: number;
}

export interface RelaSpec {
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
  readonly addend?: number;
}

/** File offset of the first segment; the others follow without gaps. */
export const SEGMENTS_AT = 0x1000;
const HEADER = 64;
const PROGRAM_HEADER = 56;

/** Section 0 and the section of names (the last one) are added: the first section of the list has index 1. */
export function buildElf({ type, sections = [], segments = [] }: ElfSpec): Uint8Array {
  const names = stringTable([...sections.map((s) => s.name), ".shstrtab"]);
  const all: readonly SectionSpec[] = [...sections, { name: ".shstrtab", data: names.bytes, type: 3 }];
  const segmentBytes = concatBytes(segments.map((s) => s.data));
  let at = SEGMENTS_AT;
  const programHeaders = segments.map((segment) => {
    const header = programHeader(segment, at);
    at += segment.data.length;
    return header;
  });
  at = SEGMENTS_AT + segmentBytes.length;
  const bodies: Uint8Array[] = [];
  const headers = all.map((section) => {
    const body = section.fileOffset === undefined ? padTo(section.data, 8) : new Uint8Array();
    const header = sectionHeader(section, names.at(section.name), section.fileOffset ?? at);
    bodies.push(body);
    at += body.length;
    return header;
  });
  const front = concatBytes([
    elfHeader(type, segments.length, at, sections.length > 0 ? all.length + 1 : 0),
    ...programHeaders,
  ]);
  const table = sections.length > 0 ? concatBytes([new Uint8Array(HEADER), ...headers]) : new Uint8Array();
  return concatBytes([padTo(front, SEGMENTS_AT), segmentBytes, ...bodies, table]);
}

const elfHeader = (type: number, segments: number, sectionsAt: number, sections: number): Uint8Array =>
  concatBytes([
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    le(type, 2),
    le(62, 2),
    le(1, 4),
    le(0, 8),
    le(HEADER, 8),
    le(sectionsAt, 8),
    le(0, 4),
    le(HEADER, 2),
    le(PROGRAM_HEADER, 2),
    le(segments, 2),
    le(HEADER, 2),
    le(sections, 2),
    le(Math.max(sections - 1, 0), 2),
  ]);

const programHeader = ({ type = 1, address, data }: SegmentSpec, at: number): Uint8Array =>
  concatBytes([
    le(type, 4),
    le(5, 4),
    le(at, 8),
    le(address, 8),
    le(0, 8),
    le(data.length, 8),
    le(data.length, 8),
    le(0x1000, 8),
  ]);

const sectionHeader = (section: SectionSpec, nameAt: number, at: number): Uint8Array =>
  concatBytes([
    le(nameAt, 4),
    le(section.type ?? 1, 4),
    le(section.flags ?? 0, 8),
    le(section.address ?? 0n, 8),
    le(at, 8),
    le(section.data.length, 8),
    le(section.link ?? 0, 4),
    le(section.info ?? 0, 4),
    le(section.type === 7 ? 4 : 8, 8),
    le(section.entrySize ?? 0, 8),
  ]);

function stringTable(strings: readonly string[]): { bytes: Uint8Array; at: (text: string) => number } {
  const places = new Map<string, number>([["", 0]]);
  const parts: Uint8Array[] = [Uint8Array.of(0)];
  let at = 1;
  for (const text of strings) {
    if (places.has(text)) continue;
    places.set(text, at);
    const bytes = utf8(`${text}\0`);
    parts.push(bytes);
    at += bytes.length;
  }
  return { bytes: concatBytes(parts), at: (text) => places.get(text) ?? 0 };
}

/** A symbol table (with the empty first symbol) and its string table, which is section number `stringsIndex`. */
export function symbolSections(
  symbols: readonly SymbolSpec[],
  stringsIndex: number,
): readonly [SectionSpec, SectionSpec] {
  const names = stringTable(symbols.map((s) => s.name));
  const entries = symbols.map((s) =>
    concatBytes([
      le(names.at(s.name), 4),
      Uint8Array.of(((s.binding ?? 0) << 4) | (s.type ?? 0), 0),
      le(s.section, 2),
      le(s.value ?? 0, 8),
      le(s.size ?? 0, 8),
    ]),
  );
  return [
    {
      name: ".symtab",
      type: 2,
      entrySize: 24,
      link: stringsIndex,
      data: concatBytes([new Uint8Array(24), ...entries]),
    },
    { name: ".strtab", type: 3, data: names.bytes },
  ];
}

/** `symbol` counts the empty first one: the first of a list has number 1. */
export const relaSection = (name: string, target: number, relas: readonly RelaSpec[]): SectionSpec => ({
  name,
  type: 4,
  entrySize: 24,
  info: target,
  data: concatBytes(
    relas.map((r) => concatBytes([le(r.offset, 8), le(r.type, 4), le(r.symbol, 4), le(r.addend ?? 0, 8)])),
  ),
});

export const note = (name: string, type: number, description: Uint8Array): Uint8Array => {
  const nameBytes = utf8(`${name}\0`);
  return concatBytes([
    le(nameBytes.length, 4),
    le(description.length, 4),
    le(type, 4),
    padTo(nameBytes, 4),
    padTo(description, 4),
  ]);
};
