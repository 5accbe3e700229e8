import { createHash } from "node:crypto";
import { join } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import { aptPackages, downloadPackage } from "../apt/packages.ts";
import { suiteSources } from "../apt/sources.ts";
import { withSuites } from "../apt/suites.ts";
import { readTargets } from "../apt/targets.ts";
import { KERNEL_PACKAGES, kernelsAmong } from "./apt_kernels.ts";
import { type PackageCache, requirePackage } from "./package_cache.ts";
import { kernelsInFolder, pathInFolder } from "./package_folder.ts";
import type { KernelArchive, OfferedKernel, PackageFile } from "./served_kernel.ts";

/** An archive that can be asked for its kernels, and for their packages. */
export interface OpenArchive {
  offered(): Promise<readonly OfferedKernel[]>;
  /** Returns the path of a package, which is fetched if it is not here, and verified. */
  path(file: PackageFile): Promise<string>;
}

export interface ArchiveOptions {
  readonly cache: PackageCache;
  /** The folder in which apt's lists of other suites are kept. */
  readonly lists: string;
  readonly progress: (line: string) => void;
}

/**
 * Opens an archive for `use`.
 * @throws RebootlessError `unsupported` without apt, `usage` if it has no such suite, `io`, `locked`.
 */
export async function withArchiveOpen<T>(
  { place }: KernelArchive,
  options: ArchiveOptions,
  use: (open: OpenArchive) => Promise<T>,
): Promise<T> {
  if (place.kind === "folder") return use(packageFolder(place.path));
  const { suites } = place;
  if (suites.length === 0) return use(aptArchive(options, {}));
  const sources = await suiteSources(await readTargets({}), suites);
  const folder = join(options.lists, digest(suites));
  return withSuites(sources, { folder, progress: options.progress }, (env) => use(aptArchive(options, env)));
}

const digest = (suites: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(suites)).digest("hex").slice(0, 16);

function aptArchive({ cache, progress }: ArchiveOptions, env: Readonly<Record<string, string>>): OpenArchive {
  return {
    offered: async () => kernelsAmong(await aptPackages(KERNEL_PACKAGES, env)),
    path: (file) =>
      cache.path(file, async ({ package: name, version, bytes }, folder) => {
        progress(`fetching ${name} ${version}, ${(bytes / 1e6).toFixed(1)} MB`);
        await downloadPackage({ name, version }, folder, env);
      }),
  };
}

function packageFolder(folder: string): OpenArchive {
  return {
    offered: () => kernelsInFolder(folder),
    path: async (file) => {
      const path = await pathInFolder(folder, file.file);
      if (path === undefined) throw new RebootlessError("io", `${folder} has no ${file.file} any more`);
      await requirePackage(path, file);
      return path;
    },
  };
}
