import { RebootlessError } from "../../shared/errors.ts";
import { groupBy } from "../../shared/group_by.ts";
import { type ArchiveOptions, type OpenArchive, withArchiveOpen } from "./open_archive.ts";
import type { KernelArchive, ServedKernel } from "./served_kernel.ts";

/** The packages with a kernel and its modules, as commands take them. */
export interface BootPaths {
  readonly image: string;
  /** The packages with the modules. With none, they are in the package with the image. */
  readonly modules: readonly string[];
}

/** What `create` needs besides. */
export interface BuildPaths extends BootPaths {
  readonly headers: string | undefined;
  readonly source: string | undefined;
}

/** Gets the packages of a kernel that are needed. */
type GetPaths<P> = (kernel: ServedKernel, open: OpenArchive) => Promise<P>;

export const bootPaths: GetPaths<BootPaths> = async (kernel, open) => {
  const modules: string[] = [];
  for (const file of kernel.modules) modules.push(await open.path(file));
  return { image: await open.path(kernel.image), modules };
};

export const buildPaths: GetPaths<BuildPaths> = async (kernel, open) => ({
  ...(await bootPaths(kernel, open)),
  headers: kernel.headers && (await open.path(kernel.headers)),
  source: kernel.source && (await open.path(kernel.source)),
});

/**
 * Returns the paths of kernels' packages, which are fetched if they are not here.
 * @throws RebootlessError as `OpenArchive`; `config` if an archive is not in the list any more.
 */
export async function kernelPaths<P>(
  kernels: readonly ServedKernel[],
  archives: readonly KernelArchive[],
  options: ArchiveOptions,
  get: GetPaths<P>,
): Promise<ReadonlyMap<ServedKernel, P>> {
  const paths = new Map<ServedKernel, P>();
  for (const [name, own] of groupBy(kernels, ({ archive }) => archive)) {
    const archive = archives.find((one) => one.name === name);
    if (archive === undefined)
      throw new RebootlessError("config", `the list of kernels has no archive ${name}`, {
        hint: "Add it again, or remove its kernels: kernels add, kernels remove.",
      });
    await withArchiveOpen(archive, options, async (open) => {
      for (const kernel of own) paths.set(kernel, await get(kernel, open));
    });
  }
  return paths;
}
