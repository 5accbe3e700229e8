import type { RpmName } from "../kernel_files/rpm.ts";
import type { OfferedKernel, PackageFile } from "./served_kernel.ts";

/** An rpm package, with its file. */
export interface RpmPackage extends RpmName {
  readonly file: PackageFile;
}

const MODULES: readonly string[] = ["kernel-modules-core", "kernel-modules", "kernel-modules-extra"];

/**
 * Returns the kernels among rpm packages: `kernel-core` of Fedora and of what is built from it, with its modules in
 * packages of the same version, and `kernel-default` of SUSE. `create` reads neither their headers nor their source.
 */
export const rpmKernelsAmong = (packages: readonly RpmPackage[]): readonly OfferedKernel[] =>
  packages.flatMap((image) => {
    const release = releaseOf(image);
    if (release === undefined) return [];
    const modules = packages.filter((one) => MODULES.includes(one.name) && isOfOneBuild(one, image));
    const files = modules.map(({ file }) => file);
    return [{ release, image: image.file, modules: files, headers: undefined, source: undefined }];
  });

const isOfOneBuild = (a: RpmName, b: RpmName): boolean =>
  a.version === b.version && a.release === b.release && a.architecture === b.architecture;

/** Returns the release (`uname -r`) of a package with a kernel. SUSE counts its rebuilds in the last part, and leaves it out. */
function releaseOf({ name, version, release, architecture }: RpmName): string | undefined {
  if (architecture !== "x86_64") return undefined;
  if (name === "kernel-core") return `${version}-${release}.${architecture}`;
  if (name === "kernel-default") return `${version}-${release.replace(/\.\d+$/, "")}-default`;
  return undefined;
}
