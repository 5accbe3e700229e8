import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** A pattern for the paths at which packages and hosts have the kernel itself. */
const PATH = /(?:^|\/)(?:boot|lib\/modules\/[^/]+)\/(?:vmlinuz|vmlinux|bzImage)[^/]*$/;

/** Reports whether a package has a file in its /boot, where the kernel is. */
export const isBootPath = (path: string): boolean => /^(?:\.?\/)?boot\//.test(path);

export const isImagePath = (path: string): boolean => PATH.test(path);

/**
 * Returns the only image, or undefined if there is no image. A vmlinux beside a boot image is the same kernel, for
 * debuggers, and is passed over.
 * @throws RebootlessError `usage` if there are several, because the one that is meant is not guessed.
 */
export function oneImage<T extends { readonly path: string }>(
  all: readonly T[],
  where: string,
): T | undefined {
  const booted = all.filter(({ path }) => !/\/vmlinux[^/]*$/.test(path));
  const images = booted.length > 0 ? booted : all;
  const [image, ...others] = images;
  if (others.length === 0) return image;
  throw new RebootlessError(
    "usage",
    `${where} holds ${counted(images.length, "kernel")}: ${images.map(({ path }) => path).join(", ")}`,
    { hint: "Give the path of the one that you mean, and the folder of its modules." },
  );
}
