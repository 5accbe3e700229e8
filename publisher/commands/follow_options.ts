import type { KernelsFileOptions, PackageCacheOptions } from "./kernels_options.ts";
import type { OpenKeysOptions } from "./open_keys.ts";

/** The options of `follow`. */
export interface FollowOptions extends OpenKeysOptions, PackageCacheOptions {
  readonly kernelsFile: KernelsFileOptions["file"];
  /** The feed's address. */
  readonly feed: string;
  /** Folders in which patches are dropped. */
  readonly patches: readonly string[];
  readonly cache?: string;
  readonly jobs?: number;
  /** True to sign what passed its trial; else others are asked to. */
  readonly yes: boolean;
}
