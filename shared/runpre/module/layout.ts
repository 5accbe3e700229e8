import type { TextOffset } from "../../brand.ts";
import type { RetpolineLandmarks } from "../landmarks.ts";

/*
 * A module has no address of its own: its loader puts code and data where there is room. Its fingerprints are
 * made as if it were linked at offsets from `_text` that no kernel uses. Each part of the module and each
 * symbol of another module has an offset of its own: these are the bases. A host finds out where each base
 * really lies, and from then on everything works as in the kernel itself.
 */

/** The bytes of the kernel's own text mapping. An offset below this is the kernel's. */
export const MODULE_SPACE = 0x4000_0000;
// A module has some 50 sections, and refers to some hundreds of symbols of others at the most.
export const MAX_BASES = 8192;

/** A thing that a module's code may refer to. `at` and `size` tell which offsets stand for it. */
export type ModuleBase =
  /**
   * All code that stays in memory. The loader keeps its sections at fixed distances: [name, offset from
   * `at`].
   */
  | (Extent & { readonly kind: "text"; readonly sections: readonly (readonly [string, number])[] })
  /** The kernel's own symbols, at the distances at which they are linked. */
  | { readonly kind: "kernel" }
  /** Values that nothing moves: the places of the kernel's per-CPU variables. */
  | { readonly kind: "absolute" }
  /** Another section of the module. */
  | (Extent & { readonly kind: "section"; readonly name: string })
  /**
   * A section that /sys does not report, because it is empty or has per-CPU variables. `symbol` lies `offset`
   * bytes from its start.
   */
  | (Extent & { readonly kind: "named"; readonly symbol: string; readonly offset: number })
  /**
   * A symbol of another module, IMPORT_ORIGIN bytes from `at`. That module is the one that exports
   * `exported`, which is the symbol itself except for keys of static calls.
   */
  | (Extent & { readonly kind: "import"; readonly symbol: string; readonly exported: string });

export interface Extent {
  readonly at: TextOffset;
  readonly size: number;
}

/** The bytes before a symbol that belong to it, because references may lie on both sides of the symbol. */
export const IMPORT_ORIGIN = 0x8000;
export const IMPORT_SIZE = 0x1_0000;

/** The offsets at which a module is linked for its fingerprints. */
export interface ModuleLayout {
  /** The bases. Number 0 is the text. */
  readonly bases: readonly ModuleBase[];
  /** The branches that show the pages of ITS, as for the kernel's own, at offsets of the layout. */
  readonly itsPages: RetpolineLandmarks["itsPages"];
}
