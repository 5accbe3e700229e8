import type { ModuleFile } from "./module_files.ts";

/** What was found of a kernel in a file or a folder. */
export interface KernelInput {
  /** A vmlinuz or vmlinux. */
  readonly image: Uint8Array | undefined;
  readonly modules: readonly ModuleFile[];
}
