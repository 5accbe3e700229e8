import type { Address } from "../../shared/brand.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import type { KernelImage } from "./kernel_image.ts";
import { EXPORTED_SYMBOL } from "./kernel_tables.ts";
import { mapEntries, symbolsTable } from "./sites/sources.ts";

const TABLES = ["__ksymtab", "__ksymtab_gpl"] as const;
// The longest name: KSYM_NAME_LEN, and its NUL.
const MAX_NAME = 513;

/**
 * Returns the symbols that modules may refer to, by name: those of the kernel with EXPORT_SYMBOL. The value
 * of a per-CPU variable is its offset, a small number.
 * @throws ParseError
 */
export function kernelExports(image: Pick<KernelImage, "memory" | "symbols">): ReadonlyMap<string, Address> {
  const { memory, symbols } = image;
  const exports = new Map<string, Address>();
  for (const name of TABLES) {
    const table = symbolsTable({ memory, symbols }, `__start_${name}`, `__stop_${name}`);
    for (const [symbol, address] of mapEntries(table, name, EXPORTED_SYMBOL.size, (entry) => {
      const { value, name: text } = EXPORTED_SYMBOL.fields;
      const at = BigInt.asUintN(64, entry.target(value)) as Address;
      return [nameOf(image, entry.target(text) as Address), at] as const;
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
