import { SITE_LENGTH, type SiteKind } from "../fingerprint.ts";

export type RelocationKind = Extract<SiteKind, `reloc${string}`>;

/** The direction in which the value at a site moved with the kernel. */
const DIRECTION: Readonly<Record<RelocationKind, bigint>> = { reloc32: 1n, reloc64: 1n, reloc32neg: -1n };

export const isRelocation = (kind: SiteKind): kind is RelocationKind => kind in DIRECTION;

/** Puts the link-time value back, in place. @param displacement bytes by which the kernel was moved. */
export function undoRelocation(
  body: Uint8Array,
  kind: RelocationKind,
  at: number,
  displacement: bigint,
): void {
  const length = SITE_LENGTH[kind];
  let value = BigInt.asUintN(8 * length, readLittle(body, at, length) - DIRECTION[kind] * displacement);
  for (let i = 0; i < length; i++, value >>= 8n) body[at + i] = Number(value & 0xffn);
}

function readLittle(body: Uint8Array, at: number, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(body[at + i] ?? 0);
  return value;
}
