import { readUnsigned, writeRelative } from "../code.ts";
import type { PlainKind } from "./kinds.ts";

export type RelocationKind = Extract<PlainKind, `reloc${string}`>;

const HALF = 0x1_0000_0000;

/**
 * Adds the displacement (bytes, below 2 GiB either way) to the value at a site, in place: an address that KASLR moved
 * with the kernel. A per-CPU relative one (`reloc32neg`) moved the other way. Negative: puts the value as linked back.
 */
export function relocate(code: Uint8Array, kind: RelocationKind, at: number, displacement: number): void {
  const low = readUnsigned(code, at, 4);
  const moved = kind === "reloc32neg" ? low - displacement : low + displacement;
  writeRelative(code, at, moved);
  if (kind === "reloc64")
    writeRelative(code, at + 4, readUnsigned(code, at + 4, 4) + Math.floor(moved / HALF));
}
