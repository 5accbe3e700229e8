import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";

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

/** Returns the folder of packages, by default the one that the XDG Base Directory Specification gives to data that can be fetched again. */
export const packageCacheFolder = ({ packageCache }: PackageCacheOptions): string =>
  resolve(
    packageCache ??
      join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "rebootless", "packages"),
  );
