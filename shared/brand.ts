import { ParseError } from "./errors.ts";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A GNU build ID in lower-case hex, 16 to 64 digits (SHA-1 build IDs, the usual kind, have 40). */
export type BuildId = Brand<string, "BuildId">;
/** SHA-256 in lower-case hex, 64 digits. */
export type Sha256Hex = Brand<string, "Sha256Hex">;
/** The first half of a SHA-256, 32 digits. */
export type Sha256Half = Brand<string, "Sha256Half">;
/** A virtual address in a kernel, running or as linked. */
export type Address = Brand<bigint, "Address">;
/** A distance in bytes from `_text`: in the kernel's text mapping, or above it where modules are. */
export type TextOffset = Brand<number, "TextOffset">;
/** The stable name of an update: lower-case letters, digits, `.` and `-`, unique in a feed. */
export type UpdateId = Brand<string, "UpdateId">;
/** The name of a kernel module or of `vmlinux`, as in /sys/module: it has `_` and never `-`. */
export type ObjectName = Brand<string, "ObjectName">;

const matching =
  <T extends string>(pattern: RegExp) =>
  (value: string): value is T =>
    pattern.test(value);

const checked =
  <T extends string>(is: (value: string) => value is T, what: string) =>
  (value: string): T => {
    if (!is(value)) throw new ParseError(`not ${what}: ${JSON.stringify(value.slice(0, 80))}`);
    return value;
  };

export const isBuildId = matching<BuildId>(/^(?:[0-9a-f]{2}){8,32}$/);
export const isSha256Hex = matching<Sha256Hex>(/^[0-9a-f]{64}$/);

export const buildId = checked(isBuildId, "a build ID (16 to 64 lower-case hex digits)");
export const sha256Hex = checked(isSha256Hex, "a SHA-256 (64 lower-case hex digits)");
export const updateId = checked(
  matching<UpdateId>(/^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/),
  "an update id (1 to 64 of a-z 0-9 . -)",
);
export const objectName = checked(
  matching<ObjectName>(/^[A-Za-z0-9_]{1,55}$/),
  "a kernel object name (1 to 55 of A-Z a-z 0-9 _)",
);

/** The object name of the kernel itself. */
export const VMLINUX = objectName("vmlinux");

/** All code and static data of a kernel and its modules lies in the top 2 GiB of addresses, from `_text` on. */
export const TEXT_OFFSETS = 0x8000_0000;

/**
 * @param value bytes from `_text`.
 * @throws ParseError unless it is an integer in [0, TEXT_OFFSETS).
 */
export function textOffset(value: number): TextOffset {
  if (!Number.isSafeInteger(value) || value < 0 || value >= TEXT_OFFSETS) {
    throw new ParseError(`not an offset from _text: ${value}`);
  }
  return value as TextOffset;
}

/** @throws ParseError unless the value fits in 64 bits. */
export function address(value: bigint): Address {
  if (BigInt.asUintN(64, value) !== value) throw new ParseError(`not a 64-bit address: ${value}`);
  return value as Address;
}
