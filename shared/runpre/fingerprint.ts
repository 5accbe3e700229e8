import type { Address, Sha256Half, Sha256Hex, TextOffset } from "../brand.ts";
import type { PatchingLandmarks } from "./landmarks.ts";
import type { Site } from "./sites/site_kinds.ts";

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
  /**
   * Of the function as linked and sealed, with the bytes of every site that has a judge set to zero. Whole in a manifest;
   * its first half in a fingerprint file.
   */
  readonly sha256: Sha256Hex | Sha256Half;
  /** Says where a mismatch lies (locator.ts). Two bytes for each 64 of the function; for each 128 in a fingerprint file. */
  readonly locator: Uint8Array;
  /** Rising, none overlaps another. */
  readonly sites: readonly Site[];
}

// The largest function of a distribution's kernel has 15,000 bytes, but the gaps between sections, which look like
// functions, have up to 2 MB: code that is not there must not come to be there either.
export const MAX_FUNCTION_SIZE = 4 * 1024 * 1024;
// One in 25 bytes of text is part of a site: far above what any function has.
export const MAX_FUNCTION_SITES = 16_384;
// KSYM_NAME_LEN.
export const MAX_FUNCTION_NAME = 512;

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
  /** What decides all other sites. Without it a function that has any cannot be judged. */
  readonly patching?: PatchingLandmarks;
}

/** The memory of a kernel's text mapping, from `_text` to `_end`. Reads past its end throw. */
export interface TextMemory {
  /** Address of `_text` in the running kernel. */
  readonly text: Address;
  read(offset: TextOffset, length: number): Uint8Array;
}
