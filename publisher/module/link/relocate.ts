import type { TextOffset } from "../../../shared/brand.ts";
import { counted } from "../../../shared/counted.ts";
import {
  MAX_RELOCATIONS,
  parseRela,
  R_X86_64,
  RELOCATION_FIELDS,
  type Rela,
  relocationTables,
} from "../../../shared/elf/rela.ts";
import { SECTION_FLAG, SECTION_TYPE, sectionBytes } from "../../../shared/elf/sections.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import type { ModuleBase } from "../../../shared/runpre/module/layout.ts";
import type { MovedSite } from "../../../shared/runpre/sites/site_kinds.ts";
import type { UnknownSite } from "../../image/sites/patch_site.ts";
import type { ModuleObject } from "../module_file.ts";
import type { Placement } from "./placement.ts";
import type { SymbolTarget } from "./resolve.ts";

/** The content of a linked module's sections by their numbers, and the sites of its code that move, sorted by place. */
export interface Relocated {
  readonly contents: ReadonlyMap<number, Uint8Array>;
  readonly moved: readonly (MovedSite | UnknownSite)[];
}

const LONGEST = 8;

/** Applies the relocations of a module. @throws ParseError, RebootlessError `limit`. */
export function relocateModule(
  module: ModuleObject,
  { places, textSections }: Placement,
  linkedText: bigint,
  bases: readonly ModuleBase[],
  resolve: (symbol: number) => SymbolTarget | undefined,
): Relocated {
  const tables = relocationTables(module.sections);
  const contents = copyContents(module, places);
  const moved: (MovedSite | UnknownSite)[] = [];
  let total = 0;
  for (const [index, bytes] of contents) {
    const table = tables.get(index);
    const relas = table === undefined ? [] : parseRela(module.file, [table], index);
    total += relas.length;
    if (total > MAX_RELOCATIONS)
      throw new RebootlessError("limit", `more than ${MAX_RELOCATIONS} relocations`);
    const place = places.get(index) ?? 0;
    const isText = textSections.some((section) => section.index === index);
    for (const rela of relas) {
      if (rela.type === R_X86_64.NONE) continue;
      const at = place + rela.offset;
      const target = RELOCATION_FIELDS.has(rela.type) ? resolve(rela.symbol) : undefined;
      const isWritten = target !== undefined && write(bytes, rela, target.address, linkedText + BigInt(at));
      if (isText) moved.push(...(isWritten ? movedSite(rela, at, target, bases) : [unknownSite(rela, at)]));
    }
  }
  return { contents, moved: moved.sort((a, b) => a.at - b.at) };
}

/**
 * Copies the sections that are loaded. The copies together may not be larger than the file, because the sections of a
 * hostile file may overlap.
 */
function copyContents(
  { file, sections }: ModuleObject,
  places: ReadonlyMap<number, TextOffset>,
): ReadonlyMap<number, Uint8Array> {
  const loaded = sections.filter(
    ({ index, type, flags }) =>
      places.has(index) && type !== SECTION_TYPE.nobits && (flags & SECTION_FLAG.alloc) !== 0n,
  );
  const total = loaded.reduce((sum, { size }) => sum + size, 0);
  if (total > file.length)
    throw new ParseError(`ELF: sections of ${counted(total, "byte")} in a file of ${file.length}`);
  return new Map(loaded.map((section) => [section.index, new Uint8Array(sectionBytes(file, section))]));
}

/** Writes the value of a relocation into a section. Returns false if the kernel's loader would refuse the relocation. */
function write(bytes: Uint8Array, rela: Rela, symbol: bigint, place: bigint): boolean {
  const { size: length, relative } = RELOCATION_FIELDS.get(rela.type) ?? { size: LONGEST, relative: false };
  if (rela.offset + length > bytes.length)
    throw new ParseError(`ELF: a relocation at ${rela.offset} of ${bytes.length}`);
  const field = bytes.subarray(rela.offset, rela.offset + length);
  if (field.some((byte) => byte !== 0)) return false;
  const value = BigInt.asUintN(64, symbol + rela.addend - (relative ? place : 0n));
  const view = new DataView(field.buffer, field.byteOffset, length);
  if (length === LONGEST) view.setBigUint64(0, value, true);
  else view.setUint32(0, Number(BigInt.asUintN(32, value)), true);
  return true;
}

/**
 * Returns the site of a relocation, or nothing if its value stays as it is: a distance within the code, or an absolute
 * value.
 */
function movedSite(
  rela: Rela,
  at: number,
  { base }: SymbolTarget,
  bases: readonly ModuleBase[],
): readonly MovedSite[] {
  const { size: length, relative } = RELOCATION_FIELDS.get(rela.type) ?? { size: LONGEST, relative: false };
  const kind = bases[base]?.kind;
  const isFixed = relative ? kind === "text" : kind === "absolute";
  return isFixed ? [] : [{ kind: "moved", at, length, base, relative }];
}

const unknownSite = ({ type }: Rela, at: number): UnknownSite => ({
  kind: "unknown",
  table: `relocation of type ${type}`,
  at,
  length: RELOCATION_FIELDS.get(type)?.size ?? LONGEST,
});
