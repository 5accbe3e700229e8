import { sha256Hex } from "../../shared/brand.ts";
import { groupBy } from "../../shared/group_by.ts";
import type { AptPackage } from "../apt/packages.ts";
import type { OfferedKernel, PackageFile } from "./served_kernel.ts";

/** The packages that kernels of Debian and Ubuntu consist of. */
export const KERNEL_PACKAGES = /^linux-(?:image|binary|modules|modules-extra|headers|source)-\d/;

const NAME = /^linux-(image|binary|modules-extra|modules|headers)-(\d.*)$/;
const ARCHITECTURES: readonly string[] = ["amd64", "all"];
/** Packages with debugging data, and those whose kernels are not signed yet. The signed ones have the same code. */
const NOT_SERVED = /-(?:dbg|dbgsym|unsigned|template)$/;

/**
 * Returns the kernels among the packages of an archive. A kernel is in `linux-image-RELEASE`, in Debian since 6.19 in
 * `linux-binary-RELEASE`, with its modules in the same package or in `linux-modules-RELEASE`. Packages that only depend
 * on those of the newest kernel are none.
 */
export function kernelsAmong(packages: readonly AptPackage[]): readonly OfferedKernel[] {
  const here = packages.filter(
    ({ name, architecture }) => ARCHITECTURES.includes(architecture) && !NOT_SERVED.test(name),
  );
  const sources = here.filter(({ name }) => /^linux-source-\d+\.\d+(?:\.\d+)?$/.test(name));
  const parts = here.flatMap((one) => {
    const [, part, release] = NAME.exec(one.name) ?? [];
    return part === undefined || release === undefined ? [] : [{ ...one, part, release }];
  });
  const kernels: OfferedKernel[] = [];
  for (const [, own] of groupBy(parts, ({ release, version }) => `${release} ${version}`)) {
    const part = (name: string): AptPackage | undefined => own.find((one) => one.part === name);
    const image = part("binary") ?? part("image");
    const [first] = own;
    if (image === undefined || first === undefined || pointsElsewhere(image)) continue;
    const headers = part("headers");
    const source = sources.find(({ version }) => version === image.version);
    kernels.push({
      release: first.release,
      image: fileOf(image),
      modules: [part("modules"), part("modules-extra")].flatMap((one) => (one ? [fileOf(one)] : [])),
      headers: headers && fileOf(headers),
      source: source && fileOf(source),
    });
  }
  return kernels;
}

/** Reports whether a package has no kernel and only depends on the one that has. */
const pointsElsewhere = ({ name, depends }: AptPackage): boolean =>
  depends.some((other) => other !== name && /^linux-(?:image|binary)-/.test(other));

const fileOf = ({ name, version, file, bytes, sha256 }: AptPackage): PackageFile => ({
  package: name,
  version,
  file,
  bytes,
  sha256: sha256Hex(sha256),
});
