import type { FollowedBranch } from "../follow/sources/new_commits.ts";
import type { KernelsFileOptions, PackageCacheOptions } from "./kernels_options.ts";
import type { OpenKeysOptions } from "./open_keys.ts";

/** The options of `follow`. */
export interface FollowOptions extends OpenKeysOptions, PackageCacheOptions {
  readonly kernelsFile: KernelsFileOptions["file"];
  /** The feed's address. */
  readonly feed: string;
  /** Folders in which patches are dropped. */
  readonly patches: readonly string[];
  /** Branches of local clones whose new commits are fixes. */
  readonly commits: readonly FollowedBranch[];
  /** The commit after which the commits of a branch are new that was not followed before. */
  readonly since?: string;
  /** True if the steps to newer sources of the archives are fixes, too. */
  readonly archive: boolean;
  readonly cache?: string;
  readonly jobs?: number;
  /** True to sign what passed its trial; else others are asked to. */
  readonly yes: boolean;
  /** Who gets a mail about what is new. */
  readonly mail?: string;
  /** The address to which what is new is posted. */
  readonly webhook?: string;
  /** True to say only what would be done. */
  readonly dryRun: boolean;
}
