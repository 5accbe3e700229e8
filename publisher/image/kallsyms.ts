import type { Address } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError } from "../../shared/errors.ts";
import { aligned, findNames, type NamesTable } from "./kallsyms_names.ts";
import { findTokenTable } from "./kallsyms_tokens.ts";
import type { LinkedMemory, Segment } from "./linked_memory.ts";

/** A symbol, as one line of /proc/kallsyms gives it: `type` is nm's letter. The address is the linked one. */
export interface KernelSymbol {
  readonly name: string;
  readonly type: string;
  readonly address: Address;
}

/**
 * Reads the kernel's own symbol table, which is found by its content: versions of Linux move the tables about,
 * and back ports do too.
 *
 *     6.1:  offsets relative_base | num_syms names markers [seqs_of_names] token_table token_index
 *     6.4+:                       | num_syms names markers token_table token_index | offsets relative_base seqs_of_names
 *     7.0+:                       | num_syms names markers token_table token_index | offsets seqs_of_names
 *
 * Returns the symbols in the table's order, which is that of addresses and the one in which livepatch counts
 * positions of equal names.
 * @throws ParseError if the table is missing or contradicts itself.
 */
export function readKallsyms(memory: LinkedMemory): readonly KernelSymbol[] {
  for (const segment of memory.segments) {
    const tokens = findTokenTable(segment.bytes);
    if (tokens === undefined) continue;
    const table = findNames(segment.bytes, tokens);
    const addresses = findAddresses(segment, table, tokens.end);
    return table.names.map((name, i) => ({
      name: name.slice(1),
      type: name.slice(0, 1),
      address: addresses[i] ?? (0n as Address),
    }));
  }
  throw new ParseError("the kernel has no kallsyms table", {
    hint: "Only kernels built with CONFIG_KALLSYMS are handled.",
  });
}

/**
 * Finds offsets (s32 each). They lie before num_syms or after token_index, and relative_base (u64), which older kernels
 * have, lies behind them; only one reading of one place gives sorted addresses in the kernel.
 */
function findAddresses(
  { bytes, address }: Segment,
  { names, start, alignment }: NamesTable,
  tokensEnd: number,
): readonly Address[] {
  const size = aligned(4 * names.length, alignment);
  for (const place of [start - RELATIVE_BASE - size, aligned(tokensEnd, alignment)]) {
    if (place < 0 || place + size + RELATIVE_BASE > bytes.length) continue;
    const base = new ByteReader(bytes, "kallsyms relative_base", place + size).u64();
    const own = address + BigInt(place);
    for (const decode of [absolutePercpu(base), allRelative(base), placeRelative(own)]) {
      const addresses = decodeAddresses(bytes, place, names.length, decode);
      if (addresses !== undefined) return addresses;
    }
  }
  throw new ParseError("kallsyms: no table of addresses in order was found beside its names");
}

const RELATIVE_BASE = 8;

/** Returns the address of the symbol at an index that has an offset. */
type DecodeAddress = (offset: number, index: number) => bigint;

/**
 * The reading under CONFIG_KALLSYMS_ABSOLUTE_PERCPU: an offset from 0 on is an absolute (per-CPU) value, and one below 0
 * is counted up from the base.
 */
const absolutePercpu =
  (base: bigint): DecodeAddress =>
  (offset) =>
    offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
/** The reading without that option: the offset is an unsigned distance from the base. */
const allRelative =
  (base: bigint): DecodeAddress =>
  (offset) =>
    base + BigInt(offset >>> 0);
/** The reading since 7.0: the offset is a signed distance from its own place. */
const placeRelative =
  (table: bigint): DecodeAddress =>
  (offset, index) =>
    table + BigInt(4 * index + offset);

// All of the kernel is linked in the top 2 GiB; only per-CPU variables are numbered from 0.
const KERNEL_BASE = 0xffff_ffff_8000_0000n;
const PERCPU_END = 0x1000_0000n;

function decodeAddresses(
  bytes: Uint8Array,
  place: number,
  count: number,
  decode: DecodeAddress,
): readonly Address[] | undefined {
  const reader = new ByteReader(bytes, "kallsyms offsets", place);
  const addresses: Address[] = [];
  let last = 0n;
  for (let i = 0; i < count; i++) {
    const value = BigInt.asUintN(64, decode(reader.s32(), i));
    if (value < last || (value > PERCPU_END && value < KERNEL_BASE)) return undefined;
    addresses.push(value as Address);
    last = value;
  }
  return last >= KERNEL_BASE ? addresses : undefined;
}
