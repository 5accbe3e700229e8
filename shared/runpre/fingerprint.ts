import type { Address, Sha256Hex, TextOffset } from "../brand.ts";

/**
 * What one function of a kernel must look like in memory. Made by the publisher from the distribution's
 * image alone, checked by the host against the running kernel, exactly: outside the sites every byte is
 * fixed, and at a site the host's own state leaves one allowed value.
 */
export interface FunctionFingerprint {
  /** For people; the offset is the key, because names repeat. */
  readonly name: string;
  /** From `_text`. */
  readonly offset: TextOffset;
  /** Bytes, up to the next symbol: padding is code too. */
  readonly size: number;
  /** Of the function as linked, with the bytes of every site that is not a relocation set to zero. */
  readonly sha256: Sha256Hex;
  /** Says where a mismatch lies (locator.ts). Two bytes for each 64 of the function. */
  readonly locator: Uint8Array;
  readonly sites: readonly Site[];
}

// The largest function of a distribution's kernel has 15,000 bytes; gaps between sections, which look like functions
// of 1-2 MB, are nothing that an update replaces.
export const MAX_FUNCTION_SIZE = 256 * 1024;
// One in 25 bytes of text is part of a site and the shortest handled one has 4: far above what any function has.
export const MAX_FUNCTION_SITES = 16_384;
// KSYM_NAME_LEN.
export const MAX_FUNCTION_NAME = 512;

/** A place at which a running kernel legitimately differs from its image, and how. */
export interface Site {
  readonly kind: SiteKind;
  /** From the start of the function. */
  readonly at: number;
}

/**
 * - `reloc32`, `reloc64`: an absolute address that KASLR moved by the kernel's displacement (4 or 8 bytes).
 * - `reloc32neg`: a per-CPU relative address that moved the other way (4 bytes).
 * - `ftrace`: the call to `__fentry__` (5 bytes): a nop at rest, a call while something is attached.
 * - `return_thunk`: the jump to `__x86_return_thunk` (5 bytes): `ret` and int3, or a jump to the thunk in force.
 */
export const SITE_LENGTH = { reloc32: 4, reloc64: 8, reloc32neg: 4, ftrace: 5, return_thunk: 5 } as const;
export type SiteKind = keyof typeof SITE_LENGTH;
export const SITE_KINDS = Object.keys(SITE_LENGTH) as readonly SiteKind[];

/** What the checker must know of the kernel as a whole to judge sites. */
export interface KernelLandmarks {
  /** Where `_text` is linked; the running kernel's less this is the displacement. */
  readonly linkedText: Address;
  /** The pointer variable `x86_return_thunk`: its place holds the address of the thunk in force. */
  readonly returnThunkVariable: TextOffset | null;
  /** `__x86_return_thunk`: when the variable holds its address, returns are plain. */
  readonly returnThunkDefault: TextOffset | null;
  /** `its_return_thunk`: in force, only returns in the lower half of a 64-byte line go through it. */
  readonly returnThunkIts: TextOffset | null;
}

/** The memory of a kernel's text mapping, from `_text` to `_end`. Reads past its end throw. */
export interface TextMemory {
  /** Address of `_text` in the running kernel. */
  readonly text: Address;
  read(offset: TextOffset, length: number): Uint8Array;
}
