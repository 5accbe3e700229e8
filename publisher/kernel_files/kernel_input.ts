import type { ModuleFile } from "./module_files.ts";

/** The image and the modules of a kernel that were found in a file or a folder. */
export interface KernelInput {
  /** The content of a vmlinuz or vmlinux, if one was found. */
  readonly image: Uint8Array | undefined;
  readonly modules: readonly ModuleFile[];
  /** The packages that have them, if this one only depends on them. */
  readonly elsewhere?: readonly string[];
}
