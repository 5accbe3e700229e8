import { latin1 } from "../../shared/elf/strings.ts";

export const TOKEN_COUNT = 256;
// The longest token. The compressor merges pairs of tokens; those of real kernels stay below 40 characters.
const MAX_TOKEN = 128;
const INDEX_BYTES = 2 * TOKEN_COUNT;
/**
 * The alignments of tables. kallsyms aligns each of them to the size of a pointer, and since 7.0 to 4 bytes: it no
 * longer writes anything wider.
 */
export const TABLE_ALIGNMENTS = [8, 4] as const;
export type TableAlignment = (typeof TABLE_ALIGNMENTS)[number];
const [WIDEST, NARROWEST] = TABLE_ALIGNMENTS;

/** The compressor's dictionary: byte i of a compressed name stands for `tokens[i]`. */
export interface TokenTable {
  readonly tokens: readonly string[];
  /**
   * The offset at which token_table starts, in the bytes searched. `end` is where token_index, which follows
   * it, ends.
   */
  readonly start: number;
  readonly end: number;
}

/**
 * Finds token_table and token_index by their content: 256 NUL-terminated strings, then 256 u16 offsets of
 * them. The index is searched for, as it is rare: a zero and 255 rising steps that each end in a NUL of the
 * table.
 */
export function findTokenTable(bytes: Uint8Array): TokenTable | undefined {
  for (let at = WIDEST; at + INDEX_BYTES <= bytes.length; at += NARROWEST) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 3] !== 0) continue;
    const offsets = readOffsets(bytes, at);
    if (offsets === undefined) continue;
    const found = tokensBefore(bytes, at, offsets);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readOffsets(bytes: Uint8Array, at: number): readonly number[] | undefined {
  const offsets = [0];
  for (let i = 1, last = 0; i < TOKEN_COUNT; i++) {
    const offset = (bytes[at + 2 * i] ?? 0) | ((bytes[at + 2 * i + 1] ?? 0) << 8);
    if (offset < last + 2 || offset > last + MAX_TOKEN + 1) return undefined;
    offsets.push(offset);
    last = offset;
  }
  return offsets;
}

/**
 * Finds the tokens before an index. The index does not say how long its last token is, so each place that the
 * alignment allows is tried.
 */
function tokensBefore(bytes: Uint8Array, at: number, offsets: readonly number[]): TokenTable | undefined {
  const last = offsets[TOKEN_COUNT - 1] ?? 0;
  const nearest = Math.floor((at - last - 2) / NARROWEST) * NARROWEST;
  const farthest = Math.max(0, nearest - MAX_TOKEN - WIDEST);
  for (let start = nearest; start >= farthest; start -= NARROWEST) {
    const tokens = tokensFrom(bytes.subarray(start, at), offsets);
    if (tokens !== undefined) return { tokens, start, end: at + INDEX_BYTES };
  }
  return undefined;
}

function tokensFrom(table: Uint8Array, offsets: readonly number[]): readonly string[] | undefined {
  const tokens: string[] = [];
  for (const offset of offsets) {
    const end = table.indexOf(0, offset);
    const next = offsets[tokens.length + 1];
    if (end <= offset || (next !== undefined && end !== next - 1)) return undefined;
    // Past the last token there is padding only, and less than the alignment.
    if (next === undefined && (table.length - end > WIDEST || table.subarray(end).some(Boolean))) {
      return undefined;
    }
    tokens.push(latin1(table.subarray(offset, end)));
  }
  return tokens;
}
