import type { ObjectName } from "../../shared/brand.ts";

/** A section that goes into the module, from one compiled unit. */
export interface PatchSection {
  /** Unique within the patch object: `.text.ext4_mb_load_buddy_gfp`, `__bug_table`. */
  readonly name: string;
  /** SHT_PROGBITS, SHT_NOBITS or SHT_NOTE. */
  readonly type: number;
  /** SHF_*. */
  readonly flags: bigint;
  /** A power of two, in bytes. */
  readonly align: number;
  /** sh_entsize: 0 if the section is no table. */
  readonly entrySize: number;
  /** Bytes in memory. */
  readonly size: number;
  /** `size` bytes; empty for SHT_NOBITS. */
  readonly bytes: Uint8Array;
  readonly relocations: readonly PatchRelocation[];
}

export interface PatchRelocation {
  /** Of the first byte written, in the section. */
  readonly offset: number;
  /** R_X86_64_*. */
  readonly type: number;
  /** Signed 64 bits, as in Elf64_Rela. */
  readonly addend: bigint;
  readonly target: PatchTarget;
}

export type PatchTarget =
  /** A place in a section of this patch object. */
  | { readonly kind: "own" /** Index into `sections`. */; readonly section: number; readonly offset: number }
  /** Exported by vmlinux: an undefined symbol, and its checksum in `__versions`. */
  | { readonly kind: "export"; readonly name: string; readonly crc: number }
  /** Whatever else a kernel object has: `.klp.sym.OBJECT.NAME,POSITION`. Exports of other modules are of this kind. */
  | {
      readonly kind: "livepatch";
      readonly object: ObjectName;
      readonly name: string;
      /** Among the symbols of that name in the object, from 1; 0 if there is only one. */
      readonly position: number;
    };

export interface PatchSymbol {
  readonly name: string;
  /** Index into `sections`. */
  readonly section: number;
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly kind: "function" | "object" | "none";
}

/** A function of the kernel object that this patch object's code replaces. */
export interface Replacement {
  /** The old function's name in kallsyms. */
  readonly name: string;
  /** As in PatchTarget. */
  readonly position: number;
  /** Where the new code is: index into `sections`, and bytes in it. */
  readonly section: number;
  readonly offset: number;
  readonly size: number;
}

/** What one compiled unit (a .c file) contributes to a livepatch module, all of it for one kernel object. */
export interface PatchObject {
  /** `vmlinux` or the module's name. */
  readonly object: ObjectName;
  /** Path in the kernel's source: `fs/ext4/mballoc.c`. */
  readonly source: string;
  readonly sections: readonly PatchSection[];
  readonly symbols: readonly PatchSymbol[];
  readonly replaces: readonly Replacement[];
  /** Of the original object: what its exports live in (`import_ns`). */
  readonly importNamespaces: readonly string[];
}
