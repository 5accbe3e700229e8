import type { ModuleFile } from "../../kernel_files/module_files.ts";

/** A kernel that a guest boots. */
export interface GuestKernel {
  /** What `uname -r` says on it. */
  readonly release: string;
  /** The bytes of its boot image (bzImage). */
  readonly image: Uint8Array;
  /** The modules of its package. */
  readonly modules: readonly ModuleFile[];
}
