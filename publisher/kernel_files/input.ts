import { stat } from "node:fs/promises";
import { readNamed } from "../../node/files.ts";
import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { isAr } from "./ar.ts";
import { readDeb } from "./deb.ts";
import { readFolder } from "./folder.ts";
import type { KernelInput } from "./kernel_input.ts";
import { moduleName, readModule } from "./module_files.ts";

/** The largest input, in bytes. A vmlinux with debug information has under 1 GB, a vmlinuz 15 MB, a package 100 MB. */
export const MAX_INPUT_BYTES = 1024 ** 3;

/** A function that says by its name whether a module is wanted. Files of other modules are left out. */
export type WantedModules = (name: ObjectName) => boolean;

/**
 * Opens what a path names: a vmlinuz or vmlinux, a Debian package, a folder (the root of an unpacked package or of a host,
 * a /boot, a folder of modules), or one module file (.ko, compressed or not).
 * @throws RebootlessError `usage`, `limit`, `parse`, `unsupported`.
 */
export async function openInput(path: string, wanted?: WantedModules): Promise<KernelInput> {
  const wants =
    wanted &&
    ((file: string): boolean => {
      const name = moduleName(file);
      return name !== undefined && wanted(name);
    });
  if (await isFolder(path)) {
    const { image, modules } = await readFolder(path, wants ?? (() => false));
    return { image: image === undefined ? undefined : await readNamed(image, MAX_INPUT_BYTES), modules };
  }
  const bytes = await readNamed(path, MAX_INPUT_BYTES);
  if (isAr(bytes)) return readDeb(bytes, wants);
  const name = moduleName(path);
  if (name === undefined) return { image: bytes, modules: [] };
  return { image: undefined, modules: [{ name, path, read: () => readModule(bytes) }] };
}

/** Opens the kernel image at a path. @throws RebootlessError `usage` if there is no image, and as `openInput`. */
export async function openImageInput(path: string): Promise<Uint8Array> {
  return requireImage(await openInput(path), path);
}

export function requireImage({ image }: KernelInput, path: string): Uint8Array {
  if (image !== undefined) return image;
  throw new RebootlessError("usage", `${path} does not contain a kernel`, {
    hint: "Give a vmlinuz or vmlinux, a linux-image package, or a folder that has boot/vmlinuz-*.",
  });
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
