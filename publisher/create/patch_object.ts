import type { ObjectName } from "../../shared/brand.ts";

/** A section of one compiled unit that goes into the module. */
export interface PatchSection {
  /** The name, which is unique within the patch object: `.text.ext4_mb_load_buddy_gfp`, `__bug_table`. */
  readonly name: string;
  /** The type: SHT_PROGBITS, SHT_NOBITS or SHT_NOTE. */
  readonly type: number;
  /** The flags (SHF_*). */
  readonly flags: bigint;
  /** The alignment in bytes, which is a power of two. */
  readonly align: number;
  /** The size of an entry (sh_entsize), which is 0 if the section is no table. */
  readonly entrySize: number;
  /** The size in memory, in bytes. */
  readonly size: number;
  /** The content of `size` bytes; empty for SHT_NOBITS. */
  readonly bytes: Uint8Array;
  readonly relocations: readonly PatchRelocation[];
}

export interface PatchRelocation {
  /** The offset in the section of the first byte that is written. */
  readonly offset: number;
  /** The relocation's type (R_X86_64_*). */
  readonly type: number;
  /** The addend, a signed number of 64 bits as in Elf64_Rela. */
  readonly addend: bigint;
  readonly target: PatchTarget;
}

export type PatchTarget =
  /** A place in a section of this patch object. */
  | { readonly kind: "own" /** Index into `sections`. */; readonly section: number; readonly offset: number }
  /** A place in the part of this update for another kernel object. */
  | ({ readonly kind: "part" } & PartPlace)
  /** A symbol that vmlinux exports. It becomes an undefined symbol, with a checksum in `__versions`. */
  | { readonly kind: "export"; readonly name: string; readonly crc: number }
  /**
   * Any other symbol of a kernel object: `.klp.sym.OBJECT.NAME,POSITION`. Exports of other modules are of
   * this kind.
   */
  | {
      readonly kind: "livepatch";
      readonly object: ObjectName;
      readonly name: string;
      /** The position among the object's symbols of that name, counted from 1; 0 if there is only one. */
      readonly position: number;
    };

/** A place in a patch object. */
export interface PartPlace {
  /** The object and source of the patch object. */
  readonly object: ObjectName;
  readonly source: string;
  /** Index into its `sections`. */
  readonly section: number;
  readonly offset: number;
}

export interface PatchSymbol {
  readonly name: string;
  /** The index of the section in `sections`. */
  readonly section: number;
  readonly offset: number;
  /** The size in bytes. */
  readonly size: number;
  readonly kind: "function" | "object" | "none";
}

/** A function of the kernel object that this patch object's code replaces. */
export interface Replacement {
  /** The old function's name in kallsyms. */
  readonly name: string;
  /** The position of the old function, as in PatchTarget. */
  readonly position: number;
  /** The place of the new code: an index into `sections`, and an offset in bytes. */
  readonly section: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * The contribution of one compiled unit (a .c file) to a livepatch module, all of it for one kernel object.
 */
export interface PatchObject {
  /** The name of the kernel object: `vmlinux` or the module's name. */
  readonly object: ObjectName;
  /** The path in the kernel's source: `fs/ext4/mballoc.c`. */
  readonly source: string;
  readonly sections: readonly PatchSection[];
  readonly symbols: readonly PatchSymbol[];
  readonly replaces: readonly Replacement[];
  /** The name spaces of the exports that the unit uses, which the module must import (`import_ns`). */
  readonly importNamespaces: readonly string[];
}
