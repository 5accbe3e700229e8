import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { readUnsigned } from "../../shared/x86/code.ts";
import { TABLE_ALIGNMENTS, type TableAlignment, type TokenTable } from "./kallsyms_tokens.ts";

// The largest number of symbols. Distribution kernels have 90,000 to 250,000.
export const MAX_KERNEL_SYMBOLS = 1_000_000;
// The longest name, KSYM_NAME_LEN.
const MAX_NAME = 512;
// The length of all names together, in characters. It is 2-5 million in real kernels.
const MAX_NAMES_LENGTH = 64_000_000;
// The size of names and markers together, in bytes before token_table. It is 1-3 MB in real kernels.
const MAX_NAMES_BYTES = 64 << 20;
// The number of names that are looked at in all candidates together. It bounds the time that crafted bytes
// can take.
const MAX_STEPS = 20_000_000;
const NAMES_PER_MARKER = 256;
const SEQUENCE_BYTES = 3;
const MARKER_BYTES = 4;
// num_syms has 32 bits.
const NUMBER_BYTES = 4;

/** The expanded names; their first character is the type. */
export interface NamesTable {
  readonly names: readonly string[];
  /** The place of num_syms in the bytes searched. */
  readonly start: number;
  /** The alignment of all tables. */
  readonly alignment: TableAlignment;
}

/**
 * Finds num_syms, names and markers, in this order, before the token table. num_syms is the number with which the walk
 * over the names agrees with every marker and ends where token_table (or the sequence table before it) starts.
 */
export function findNames(bytes: Uint8Array, tokens: TokenTable): NamesTable {
  const budget = { steps: MAX_STEPS };
  const first = Math.max(0, tokens.start - MAX_NAMES_BYTES);
  const reader = new ByteReader(bytes, "kallsyms");
  for (let start = tokens.start - NUMBER_BYTES; start >= first; start -= NUMBER_BYTES) {
    reader.seek(start);
    const count = reader.u32();
    if (count === 0 || count > MAX_KERNEL_SYMBOLS) continue;
    for (const alignment of TABLE_ALIGNMENTS) {
      const table = { start: start + alignment, count, alignment };
      const markers = markersOf(bytes, table, tokens.start);
      if (markers !== undefined && walkNames(bytes, table, markers, budget))
        return { start, alignment, names: expandNames(bytes, table.start, count, tokens) };
    }
  }
  throw new ParseError("kallsyms: no table of names that agrees with its markers was found");
}

/** A place where names may start. */
interface Candidate {
  readonly start: number;
  readonly count: number;
  readonly alignment: TableAlignment;
}

/** Returns the first multiple of `alignment` from `at` on. */
export const aligned = (at: number, alignment: TableAlignment): number =>
  Math.ceil(at / alignment) * alignment;

/**
 * Returns where the markers start that belong to names. Each is the distance of every 256th name, so the first is 0, and
 * behind the last one there is room for 256 names.
 */
function markersOf(
  bytes: Uint8Array,
  { start, count, alignment }: Candidate,
  tokensStart: number,
): number | undefined {
  const markers = Math.ceil(count / NAMES_PER_MARKER);
  const sequences = aligned(SEQUENCE_BYTES * count, alignment);
  return [tokensStart, tokensStart - sequences]
    .map((end) => end - aligned(MARKER_BYTES * markers, alignment))
    .find((place) => {
      if (place < start || readUnsigned(bytes, place, MARKER_BYTES) !== 0) return false;
      const last = start + readUnsigned(bytes, place + MARKER_BYTES * (markers - 1), MARKER_BYTES);
      return last <= place && place - last <= NAMES_PER_MARKER * (MAX_NAME + 2) + alignment;
    });
}

/** Walks over the names. Reports whether they agree with their markers and end where these start. */
function walkNames(
  bytes: Uint8Array,
  { start, count, alignment }: Candidate,
  markers: number,
  budget: { steps: number },
): boolean {
  const reader = new ByteReader(bytes, "kallsyms markers", markers);
  let at = start;
  for (let i = 0; i < count; i++) {
    if (i % NAMES_PER_MARKER === 0 && reader.u32() !== at - start) return false;
    const entry = entryAt(bytes, at);
    if (entry.length === 0 || entry.end > markers) return false;
    at = entry.end;
    if (--budget.steps === 0) throw new RebootlessError("limit", "kallsyms: too many tables look like names");
  }
  return aligned(at, alignment) === markers;
}

/**
 * Reads one name: its length in tokens (one byte, or two: 7 bits with the top bit set, then 8 more), then the
 * tokens.
 */
function entryAt(bytes: Uint8Array, at: number): { from: number; length: number; end: number } {
  const low = bytes[at] ?? 0;
  const long = low >= 0x80;
  const length = long ? (low & 0x7f) | ((bytes[at + 1] ?? 0) << 7) : low;
  const from = at + (long ? 2 : 1);
  return { from, length, end: from + length };
}

function expandNames(
  bytes: Uint8Array,
  start: number,
  count: number,
  { tokens }: TokenTable,
): readonly string[] {
  const names: string[] = [];
  let total = 0;
  for (let i = 0, at = start; i < count; i++) {
    const { from, end } = entryAt(bytes, at);
    let name = "";
    for (const token of bytes.subarray(from, end)) name += tokens[token] ?? "";
    total += name.length;
    if (name.length > MAX_NAME + 1 || total > MAX_NAMES_LENGTH) {
      throw new RebootlessError("limit", `kallsyms: a name of ${name.length} characters, ${total} in all`);
    }
    names.push(name);
    at = end;
  }
  return names;
}
