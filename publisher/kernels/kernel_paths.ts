import { RebootlessError } from "../../shared/errors.ts";
import { groupBy } from "../../shared/group_by.ts";
import { type ArchiveOptions, withArchiveOpen } from "./open_archive.ts";
import type { KernelArchive, ServedKernel } from "./served_kernel.ts";

/** The files of a kernel, as commands take them. */
export interface KernelPaths {
  readonly image: string;
  /** The packages with the modules. With none, they are in the package with the image. */
  readonly modules: readonly string[];
  readonly headers: string | undefined;
  readonly source: string | undefined;
}

/**
 * Returns the paths of kernels' packages, which are fetched if they are not here.
 * @throws RebootlessError as `OpenArchive`; `config` if an archive is not in the list any more.
 */
export async function kernelPaths(
  kernels: readonly ServedKernel[],
  archives: readonly KernelArchive[],
  options: ArchiveOptions,
): Promise<ReadonlyMap<ServedKernel, KernelPaths>> {
  const paths = new Map<ServedKernel, KernelPaths>();
  for (const [name, own] of groupBy(kernels, ({ archive }) => archive)) {
    const archive = archives.find((one) => one.name === name);
    if (archive === undefined)
      throw new RebootlessError("config", `the list of kernels has no archive ${name}`, {
        hint: "Add it again, or remove its kernels: kernels add, kernels remove.",
      });
    await withArchiveOpen(archive, options, async (open) => {
      for (const kernel of own) {
        const modules: string[] = [];
        for (const file of kernel.modules) modules.push(await open.path(file));
        paths.set(kernel, {
          image: await open.path(kernel.image),
          modules,
          headers: kernel.headers && (await open.path(kernel.headers)),
          source: kernel.source && (await open.path(kernel.source)),
        });
      }
    });
  }
  return paths;
}
