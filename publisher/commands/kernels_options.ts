import { join } from "node:path";
import type { Command } from "commander";
import type { ArchiveOptions } from "../kernels/open_archive.ts";
import { DEFAULT_CACHE_BYTES, PackageCache } from "../kernels/package_cache.ts";
import { cacheFolder } from "./cache_folder.ts";

/** Where the list of kernels is. */
export interface KernelsFileOptions {
  readonly file: string;
}

/** Where packages of kernels are kept. */
export interface PackageCacheOptions {
  readonly packageCache?: string;
}

export const withKernelsFile = (command: Command): Command =>
  command.option("-f, --file <file>", "the list of kernels", "kernels.toml");

export const withPackageCache = (command: Command): Command =>
  command.option(
    "--package-cache <dir>",
    "where packages of kernels are kept (default: $XDG_CACHE_HOME/rebootless/packages)",
  );

/** What reads archives, with the folder of everything that is kept of them. */
export interface PackageTools extends ArchiveOptions {
  readonly folder: string;
}

/** Calls `use` with the packages that are kept, none of which is removed meanwhile. Afterwards there are no more than may be kept. */
export async function withPackages<T>(
  options: PackageCacheOptions,
  progress: (line: string) => void,
  use: (tools: PackageTools) => Promise<T>,
): Promise<T> {
  const folder = cacheFolder(options.packageCache, "packages");
  const cache = new PackageCache(join(folder, "files"));
  const outcome = await cache.held(() => use({ folder, cache, lists: join(folder, "lists"), progress }));
  await cache.prune(DEFAULT_CACHE_BYTES);
  return outcome;
}
