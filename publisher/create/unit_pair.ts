import type { ObjectName } from "../../shared/brand.ts";

/** One compiled unit, before and after the patch. */
export interface UnitPair {
  /** In the source tree: "fs/ext4/mballoc.c". */
  readonly source: string;
  /** The kernel object that the unit is linked into: "vmlinux" or a module's name. */
  readonly object: ObjectName;
  /** The .o of the old source, with a section for each function and datum; objtool has run on it, as kbuild does. */
  readonly before: Uint8Array;
  /** The same of the patched source. */
  readonly after: Uint8Array;
  /** The texts of the .c file, for `__LINE__` and for messages. */
  readonly sourceBefore: string;
  readonly sourceAfter: string;
}
