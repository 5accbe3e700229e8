import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { TABLE_ALIGNMENT, type TokenTable } from "./kallsyms_tokens.ts";

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

/**
 * The place of num_syms in the bytes searched, and the expanded names (their first character is the type).
 */
export interface NamesTable {
  readonly start: number;
  readonly names: readonly string[];
}

/**
 * Finds num_syms, names and markers, in this order, before the token table: num_syms is the number with which the walk
 * over the names agrees with every marker and ends where token_table (or the sequence table before it) starts.
 */
export function findNames(bytes: Uint8Array, tokens: TokenTable): NamesTable {
  const budget = { steps: MAX_STEPS };
  const first = Math.max(0, tokens.start - MAX_NAMES_BYTES);
  for (let start = tokens.start - TABLE_ALIGNMENT; start >= first; start -= TABLE_ALIGNMENT) {
    const count = countAt(bytes, start);
    if (count === undefined) continue;
    const at = walkNames(bytes, start + TABLE_ALIGNMENT, tokens.start, count, budget);
    if (at !== undefined) return { start, names: expandNames(bytes, start + TABLE_ALIGNMENT, count, tokens) };
  }
  throw new ParseError("kallsyms: no table of names that agrees with its markers was found");
}

const align = (at: number): number => Math.ceil(at / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;

/** Reads num_syms, which is 32 bits and is padded with zeros. */
function countAt(bytes: Uint8Array, start: number): number | undefined {
  if (bytes[start + 7] !== 0 || bytes[start + 6] !== 0) return undefined;
  const reader = new ByteReader(bytes, "kallsyms", start);
  const count = reader.u32();
  return reader.u32() === 0 && count > 0 && count <= MAX_KERNEL_SYMBOLS ? count : undefined;
}

/** Walks over the names. Returns where they end if all of the tables agree. */
function walkNames(
  bytes: Uint8Array,
  start: number,
  limit: number,
  count: number,
  budget: { steps: number },
): number | undefined {
  const markers: number[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (i % NAMES_PER_MARKER === 0) markers.push(at - start);
    const entry = entryAt(bytes, at);
    if (entry.length === 0 || entry.end > limit) return undefined;
    at = entry.end;
    if (--budget.steps === 0) throw new RebootlessError("limit", "kallsyms: too many tables look like names");
  }
  const markersEnd = align(align(at) + 4 * markers.length);
  const withSequences = align(markersEnd + SEQUENCE_BYTES * count);
  if (markersEnd !== limit && withSequences !== limit) return undefined;
  const reader = new ByteReader(bytes, "kallsyms markers", align(at));
  return markers.every((marker) => reader.u32() === marker) ? at : undefined;
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
