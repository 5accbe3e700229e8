import type { Address } from "../../shared/brand.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import type { KernelImage } from "./kernel_image.ts";
import { mapEntries, symbolsTable } from "./sites/sources.ts";

const ENTRY_SIZE = 12;
const TABLES = ["__ksymtab", "__ksymtab_gpl"] as const;
// KSYM_NAME_LEN, and its NUL.
const MAX_NAME = 513;

/**
 * What modules may refer to, by name: the kernel's symbols with EXPORT_SYMBOL, { s32 value - ., s32 name - .,
 * s32 name space - . }. Of per-CPU variables the value is their offset, a small number. Throws ParseError.
 */
export function kernelExports(image: Pick<KernelImage, "memory" | "symbols">): ReadonlyMap<string, Address> {
  const { memory, symbols } = image;
  const exports = new Map<string, Address>();
  for (const name of TABLES) {
    const table = symbolsTable({ memory, symbols }, `__start_${name}`, `__stop_${name}`);
    for (const [symbol, address] of mapEntries(table, name, ENTRY_SIZE, (reader, at) => {
      const value = BigInt.asUintN(64, at + BigInt(reader.s32())) as Address;
      const nameAt = (at + 4n + BigInt(reader.s32())) as Address;
      return [nameOf(image, nameAt), value] as const;
    })) {
      exports.set(symbol, address);
    }
  }
  return exports;
}

function nameOf({ memory }: Pick<KernelImage, "memory">, at: Address): string {
  const segment = memory.segments.find(
    ({ address, bytes }) => at >= address && at < address + BigInt(bytes.length),
  );
  const from = Number(at - (segment?.address ?? at));
  return stringAt(
    segment?.bytes.subarray(from, from + MAX_NAME) ?? new Uint8Array(),
    0,
    "name of an exported symbol",
  );
}
