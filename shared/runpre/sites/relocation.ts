import { readSigned32, readUnsigned, writeRelative } from "../../x86/code.ts";
import type { PlainKind } from "./site_kinds.ts";

export type RelocationKind = Extract<PlainKind, `reloc${string}`>;

const HALF = 0x1_0000_0000;

/**
 * Adds the displacement (bytes, below 2 GiB either way) to the value at a site, in place: an address that
 * KASLR moved with the kernel. A per-CPU relative one (`reloc32neg`) moved the other way. A negative
 * displacement restores the value as linked.
 */
export function relocate(code: Uint8Array, kind: RelocationKind, at: number, displacement: number): void {
  const amount = kind === "reloc32neg" ? -displacement : displacement;
  addInPlace(code, at, kind === "reloc64" ? 8 : 4, amount);
}

/** Adds an amount (exact to 2^52) to a little-endian value, in place. */
export function addInPlace(code: Uint8Array, at: number, length: 4 | 8, amount: number): void {
  if (length === 4) {
    writeRelative(code, at, readSigned32(code, at) + amount);
    return;
  }
  const low = readUnsigned(code, at, 4) + amount;
  writeRelative(code, at, low);
  writeRelative(code, at + 4, readUnsigned(code, at + 4, 4) + Math.floor(low / HALF));
}
