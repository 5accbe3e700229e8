import { kernelExports } from "../../publisher/image/exports.ts";
import type { KernelImage } from "../../publisher/image/kernel_image.ts";
import { mapEntries, symbolsTable } from "../../publisher/image/sites/sources.ts";
import { struct, u32 } from "../../shared/struct.ts";

/** An entry of `__kcrctab` (include/linux/export-internal.h, Linux 6.1 to 6.17). */
const CHECKSUM = struct(4, { crc: u32(0) });

/**
 * Returns the checksums of a kernel's exports, which stand in its image in the order of the exports. A kernel
 * without CONFIG_MODVERSIONS has none.
 */
export function kernelCrcs(image: Pick<KernelImage, "memory" | "symbols">): ReadonlyMap<string, number> {
  const crcs = ["__kcrctab", "__kcrctab_gpl"].flatMap((name) =>
    mapEntries(symbolsTable(image, `__start_${name}`, `__stop_${name}`), name, CHECKSUM.size, (entry) =>
      entry.get(CHECKSUM.fields.crc),
    ),
  );
  if (crcs.length === 0) return new Map();
  const names = [...kernelExports(image).keys()];
  if (names.length !== crcs.length)
    throw new Error(`the kernel has ${names.length} exports and ${crcs.length} checksums`);
  return new Map(names.map((name, index) => [name, crcs[index] ?? 0]));
}
