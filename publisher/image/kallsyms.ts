import type { Address } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError } from "../../shared/errors.ts";
import { findNames } from "./kallsyms_names.ts";
import { findTokenTable, TABLE_ALIGNMENT } from "./kallsyms_tokens.ts";
import type { LinkedMemory } from "./linked_memory.ts";

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
 *
 * Returns the symbols in the table's order, which is that of addresses and the one in which livepatch counts
 * positions of equal names.
 * @throws ParseError if the table is missing or contradicts itself.
 */
export function readKallsyms(memory: LinkedMemory): readonly KernelSymbol[] {
  for (const { bytes } of memory.segments) {
    const tokens = findTokenTable(bytes);
    if (tokens === undefined) continue;
    const { start, names } = findNames(bytes, tokens);
    const addresses = findAddresses(bytes, names.length, start, tokens.end);
    return names.map((name, i) => ({
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
 * Finds offsets (s32 each) and relative_base (u64). They lie before num_syms or after token_index; only one
 * of the two places gives sorted addresses.
 */
function findAddresses(
  bytes: Uint8Array,
  count: number,
  namesStart: number,
  tokensEnd: number,
): readonly Address[] {
  const size = Math.ceil((4 * count) / TABLE_ALIGNMENT) * TABLE_ALIGNMENT;
  const places = [namesStart - 8 - size, Math.ceil(tokensEnd / TABLE_ALIGNMENT) * TABLE_ALIGNMENT];
  for (const place of places) {
    if (place < 0 || place + size + 8 > bytes.length) continue;
    const base = new ByteReader(bytes, "kallsyms relative_base", place + size).u64();
    for (const decode of [absolutePercpu, allRelative]) {
      const addresses = decodeAddresses(bytes, place, count, (offset) => decode(offset, base));
      if (addresses !== undefined) return addresses;
    }
  }
  throw new ParseError("kallsyms: no table of addresses in order was found beside its names");
}

/**
 * Returns the address of a symbol under CONFIG_KALLSYMS_ABSOLUTE_PERCPU: an offset from 0 on is an absolute
 * (per-CPU) value, and one below 0 is counted up from the base.
 */
const absolutePercpu = (offset: number, base: bigint): bigint =>
  offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
/** Returns the address of a symbol without that option: the offset is an unsigned distance from the base. */
const allRelative = (offset: number, base: bigint): bigint => base + BigInt(offset >>> 0);

// All of the kernel is linked in the top 2 GiB; only per-CPU variables are numbered from 0.
const KERNEL_BASE = 0xffff_ffff_8000_0000n;
const PERCPU_END = 0x1000_0000n;

function decodeAddresses(
  bytes: Uint8Array,
  place: number,
  count: number,
  decode: (offset: number) => bigint,
): readonly Address[] | undefined {
  const reader = new ByteReader(bytes, "kallsyms offsets", place);
  const addresses: Address[] = [];
  let last = 0n;
  for (let i = 0; i < count; i++) {
    const value = BigInt.asUintN(64, decode(reader.s32()));
    if (value < last || (value > PERCPU_END && value < KERNEL_BASE)) return undefined;
    addresses.push(value as Address);
    last = value;
  }
  return last >= KERNEL_BASE ? addresses : undefined;
}
