import type { Address } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { counted } from "../../shared/counted.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { partitionPoint } from "../../shared/partition_point.ts";
import { PLAIN_LENGTH, type UndoneSite } from "../../shared/runpre/sites/site_kinds.ts";

/**
 * The places that the boot code moves by the kernel's displacement (KASLR), as sorted offsets from `_text`: 4
 * and 8 byte addresses, and 4 byte per-CPU relative ones that move the other way.
 */
export interface KernelRelocations {
  readonly reloc32: Uint32Array;
  readonly reloc32neg: Uint32Array;
  readonly reloc64: Uint32Array;
}

const WORD = 4;
// The largest number of relocations. Distribution kernels have 200,000 to 500,000.
const MAX_RELOCATIONS = 8_000_000;

/**
 * Parses the table that the kernel's build appends to the ELF file inside of a boot image: 32-bit words, each
 * the low half of a link address, in lists that are each introduced by a zero. The table is read backwards,
 * as the boot code does: 32-bit, inverse 32-bit, 64-bit. Kernels since 6.15 have no inverse ones; the number
 * of lists tells.
 * @param trailer the bytes after the end of the ELF file.
 * @throws ParseError
 * @throws RebootlessError `unsupported` if there is no table.
 */
export function parseRelocations(trailer: Uint8Array, linkedText: Address): KernelRelocations {
  if (trailer.length === 0) {
    throw new RebootlessError("unsupported", "the kernel image has no relocation table", {
      hint: "Give the vmlinuz of the package: a vmlinux file with debug information does not have the table.",
    });
  }
  if (trailer.length % WORD !== 0) {
    throw new ParseError(
      `the relocation table has ${counted(trailer.length, "byte")}, not a multiple of ${WORD}`,
    );
  }
  if (trailer.length > MAX_RELOCATIONS * WORD) {
    throw new RebootlessError("limit", `more than ${MAX_RELOCATIONS} relocations`);
  }
  const lists = splitLists(trailer, Number(BigInt.asUintN(32, linkedText)));
  const [reloc32, second, third, ...rest] = lists;
  if (reloc32 === undefined || second === undefined || rest.length > 0) {
    throw new ParseError(`the relocation table has ${lists.length} lists, not 2 or 3`);
  }
  return third === undefined
    ? { reloc32, reloc32neg: new Uint32Array(), reloc64: second }
    : { reloc32, reloc32neg: second, reloc64: third };
}

/** Returns the lists from the end of the table to its start, each sorted. */
function splitLists(trailer: Uint8Array, textLow: number): readonly Uint32Array[] {
  const reader = new ByteReader(trailer, "relocation table");
  const words = Array.from({ length: trailer.length / WORD }, () => reader.u32());
  if (words[0] !== 0) throw new ParseError("the relocation table does not start with a zero");
  const starts = words.flatMap((word, i) => (word === 0 ? [i] : []));
  return starts
    .map((start, i) => words.slice(start + 1, starts[i + 1]))
    .map((list) => Uint32Array.from(list, (word) => offsetOf(word, textLow)).sort())
    .reverse();
}

function offsetOf(word: number, textLow: number): number {
  if (word < textLow) throw new ParseError(`a relocation at 0x${word.toString(16)} lies before _text`);
  return word - textLow;
}

/**
 * Returns the relocations that touch [start, end), offsets from `_text`, as sites there. A relocation that
 * starts before and reaches in is among them.
 */
export function relocationsWithin(
  relocations: KernelRelocations,
  start: number,
  end: number,
): readonly UndoneSite[] {
  return KINDS.flatMap((kind) => within(relocations[kind], kind, start, end));
}

const KINDS = ["reloc32", "reloc32neg", "reloc64"] as const;

function within(sorted: Uint32Array, kind: (typeof KINDS)[number], start: number, end: number): UndoneSite[] {
  const found: UndoneSite[] = [];
  for (let i = lowerBound(sorted, start - PLAIN_LENGTH[kind] + 1); i < sorted.length; i++) {
    const at = sorted[i] ?? end;
    if (at >= end) break;
    found.push({ kind, at });
  }
  return found;
}

const lowerBound = (sorted: Uint32Array, at: number): number =>
  partitionPoint(sorted.length, (i) => (sorted[i] ?? 0) < at);
