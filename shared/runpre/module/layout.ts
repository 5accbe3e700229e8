import type { TextOffset } from "../../brand.ts";
import type { RetpolineLandmarks } from "../landmarks.ts";

/*
 * A module has no address of its own: its loader puts code and data where there is room. Its fingerprints are made as if
 * it were linked at offsets from `_text` that no kernel uses, each part of it and each symbol of another module at one of
 * its own: the bases. A host finds out where each base really lies; from then on everything is as in the kernel itself.
 */

/** Bytes of the kernel's own text mapping, below which an offset is the kernel's. */
export const MODULE_SPACE = 0x4000_0000;
// A module has some 50 sections, and takes some hundreds of symbols from others at the most.
export const MAX_BASES = 8192;

/** What code of a module may refer to. `at` and `size` say which offsets stand for it. */
export type ModuleBase =
  /** All code that stays in memory. The loader keeps its sections at fixed distances: [name, offset from `at`]. */
  | (Extent & { readonly kind: "text"; readonly sections: readonly (readonly [string, number])[] })
  /** The kernel's own symbols, as far from `_text` as they are linked. */
  | { readonly kind: "kernel" }
  /** Values that nothing moves: places of the kernel's per-CPU variables. */
  | { readonly kind: "absolute" }
  /** Another section of the module. */
  | (Extent & { readonly kind: "section"; readonly name: string })
  /**
   * A section that /sys does not tell of, as it is empty or has per-CPU variables: `symbol` lies `offset` bytes from its
   * start.
   */
  | (Extent & { readonly kind: "named"; readonly symbol: string; readonly offset: number })
  /**
   * A symbol of another module, IMPORT_ORIGIN bytes from `at`. That module is the one that exports `exported`, which is
   * the symbol itself but for keys of static calls.
   */
  | (Extent & { readonly kind: "import"; readonly symbol: string; readonly exported: string });

export interface Extent {
  readonly at: TextOffset;
  readonly size: number;
}

/** What is referred to may lie on both sides of a symbol. */
export const IMPORT_ORIGIN = 0x8000;
export const IMPORT_SIZE = 0x1_0000;

/** Where a module is linked for its fingerprints. */
export interface ModuleLayout {
  /** Number 0 is the text. */
  readonly bases: readonly ModuleBase[];
  /** As for the kernel's own branches, at offsets of the layout. */
  readonly itsPages: RetpolineLandmarks["itsPages"];
}
