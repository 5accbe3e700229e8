import type { ObjectName } from "../../shared/brand.ts";

/** One compiled unit, before and after the patch. */
export interface UnitPair {
  /** The path in the source tree: "fs/ext4/mballoc.c". */
  readonly source: string;
  /** The kernel object that the unit is linked into: "vmlinux" or a module's name. */
  readonly object: ObjectName;
  /**
   * The .o of the old source, with a section for each function and datum. objtool has run on it, as in
   * kbuild.
   */
  readonly before: Uint8Array;
  /** The .o of the patched source, made in the same way. */
  readonly after: Uint8Array;
  /** The text of the .c file before and after, for `__LINE__` and for messages. */
  readonly sourceBefore: string;
  readonly sourceAfter: string;
}
