import type { Address, Sha256Half, Sha256Hex, TextOffset } from "../brand.ts";
import type { PatchingLandmarks } from "./landmarks.ts";
import type { Site } from "./sites/site_kinds.ts";

/**
 * The form that one function of a kernel must have in memory. The publisher makes it from the distribution's
 * image alone, and the host compares it exactly with the running kernel: outside the sites every byte is
 * fixed, and at a site the host's own state permits one value.
 */
export interface FunctionFingerprint {
  /** The name, for people only. Functions are told apart by their offset, because names repeat. */
  readonly name: string;
  /** The distance from `_text`. */
  readonly offset: TextOffset;
  /** The size in bytes, up to the next symbol, because padding is code too. */
  readonly size: number;
  /**
   * The digest of the function as linked and sealed, with the bytes of every site that is compared by value
   * set to zero. A manifest has all of it, a fingerprint file its first half.
   */
  readonly sha256: Sha256Hex | Sha256Half;
  /**
   * The check bytes that tell where a mismatch lies (locator.ts): two for each 64 bytes of the function, or
   * for each 128 in a fingerprint file.
   */
  readonly locator: Uint8Array;
  /** The sites, which rise and do not overlap. */
  readonly sites: readonly Site[];
}

// The largest function of a distribution's kernel has 15,000 bytes. The gaps between sections look like
// functions and have up to 2 MB; they are checked so that no code can appear in them.
export const MAX_FUNCTION_SIZE = 4 * 1024 * 1024;
// One in 25 bytes of text is part of a site, so this is far above the number in any function.
export const MAX_FUNCTION_SITES = 16_384;
// This is KSYM_NAME_LEN.
export const MAX_FUNCTION_NAME = 512;

/** The facts about the kernel as a whole that a checker needs for the sites. */
export interface KernelLandmarks {
  /**
   * The address at which `_text` is linked. The running kernel's address less this one is the displacement.
   */
  readonly linkedText: Address;
  /** The pointer variable `x86_return_thunk`, which holds the address of the thunk in force. */
  readonly returnThunkVariable: TextOffset | null;
  /** The function `__x86_return_thunk`. If the variable holds its address, returns are plain. */
  readonly returnThunkDefault: TextOffset | null;
  /**
   * The function `its_return_thunk`. If it is in force, only returns in the lower half of a 64-byte line go
   * through it.
   */
  readonly returnThunkIts: TextOffset | null;
  /**
   * The landmarks that decide about all other sites. Without them a function that has such sites cannot be
   * checked.
   */
  readonly patching?: PatchingLandmarks;
}

/** The memory of a kernel's text mapping, from `_text` to `_end`. Reads past its end throw. */
export interface TextMemory {
  /** The address of `_text` in the running kernel. */
  readonly text: Address;
  /**
   * Reads memory.
   * @param room where to put what is read, of the same length. Memory that has it already may return a view of
   * that instead.
   */
  read(offset: TextOffset, length: number, room?: Uint8Array): Uint8Array;
}
