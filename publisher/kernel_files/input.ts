import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readNamed } from "../../node/files.ts";
import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { isAr } from "./ar.ts";
import { readDeb } from "./deb.ts";
import { readFolder } from "./folder.ts";
import type { KernelInput } from "./kernel_input.ts";
import { moduleName, readModule } from "./module_files.ts";
import { PackageFiles, type WantedPaths } from "./package_files.ts";
import { isRpm, readRpm } from "./rpm.ts";
import { readTar } from "./tar_package.ts";

/** The largest input, in bytes. A vmlinux with debug information has under 1 GB, a vmlinuz 15 MB, a package 100 MB. */
export const MAX_INPUT_BYTES = 1024 ** 3;

/** A function that says by its name whether a module is wanted. Files of other modules are left out. */
export type WantedModules = (name: ObjectName) => boolean;

/** Something that a kernel or a module can be given as. */
export interface InputKind {
  readonly name: string;
  /** Examples of files, for people. */
  readonly files: string;
  is(bytes: Uint8Array, path: string): boolean;
  open(bytes: Uint8Array, path: string, wants: WantedPaths | undefined): KernelInput | Promise<KernelInput>;
}

/** The kinds of files, in the order in which they are tried. The last one is what remains. */
export const FILE_KINDS: readonly InputKind[] = [
  {
    name: "Debian package",
    files: "`linux-image-*.deb`, or `linux-binary-*.deb` and `linux-modules-*.deb` (Debian since 6.19)",
    is: isAr,
    open: (bytes, _path, wants) => readDeb(bytes, wants),
  },
  {
    name: "rpm package (compressed with gzip, xz or zstd)",
    files: "`kernel-core-*.rpm`, `kernel-modules-*.rpm`, `kernel-default-*.rpm`",
    is: isRpm,
    open: (bytes, _path, wants) => readRpm(bytes, wants),
  },
  {
    name: "package of Arch or Alpine, or any tar archive (xz, zstd, gzip, or not compressed)",
    files: "`linux-*.pkg.tar.zst`, `linux-virt-*.apk`, `*.tar.xz`",
    is: (_bytes, path) => /\.(?:tar(?:\.(?:xz|zst|gz))?|tgz|apk)$/.test(path),
    open: (bytes, _path, wants) => readTar(bytes, new PackageFiles(wants), false),
  },
  {
    name: "module",
    files: "`*.ko`, `*.ko.xz`, `*.ko.zst`, `*.ko.gz`",
    is: (_bytes, path) => moduleName(path) !== undefined,
    open: (bytes, path) => {
      const name = moduleName(path);
      const modules = name === undefined ? [] : [{ name, path, read: () => readModule(bytes) }];
      return { image: undefined, modules };
    },
  },
  {
    name: "boot image (gzip, xz, lzma, lz4, zstd), a unified kernel image around one, or the ELF file in one",
    files: "`vmlinuz-*`, `*.efi`, `vmlinux`",
    is: () => true,
    open: (bytes) => ({ image: bytes, modules: [] }),
  },
];

/**
 * Opens what a path names: a file of one of the kinds above, or a folder (the root of an unpacked package or of a host, a
 * /boot, a folder of modules or of a kernel's packages).
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
    const packages = await packagesIn(path);
    if (packages.length > 0) return openPackages(path, packages, wants);
    const { image, modules } = await readFolder(path, wants ?? (() => false));
    return { image: image === undefined ? undefined : await readNamed(image, MAX_INPUT_BYTES), modules };
  }
  return openFile(path, wants);
}

async function openFile(path: string, wants: WantedPaths | undefined): Promise<KernelInput> {
  const bytes = await readNamed(path, MAX_INPUT_BYTES);
  const kind = FILE_KINDS.find(({ is }) => is(bytes, path));
  if (kind === undefined) throw new RangeError("the last kind takes every file");
  return kind.open(bytes, path, wants);
}

/** The names of packages with a kernel or its modules. What else lies beside them (source, headers) is left out. */
const KERNEL_PACKAGE =
  /^(?:linux-(?:image|binary|modules)-.*\.deb|kernel-(?:core|modules|modules-core|default)-\d.*\.rpm)$/;

async function packagesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => KERNEL_PACKAGE.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Opens the packages of one kernel, one after the other. @throws RebootlessError `usage` if two of them have a kernel. */
async function openPackages(
  folder: string,
  paths: readonly string[],
  wants: WantedPaths | undefined,
): Promise<KernelInput> {
  const found: KernelInput[] = [];
  for (const path of paths) found.push(await openFile(path, wants));
  const images = found.flatMap(({ image }) => image ?? []);
  if (images.length > 1)
    throw new RebootlessError("usage", `${folder} has packages of ${images.length} kernels`, {
      hint: "Give the package itself, or a folder with the packages of one kernel.",
    });
  return {
    image: images[0],
    modules: found.flatMap(({ modules }) => modules),
    elsewhere: found.flatMap(({ elsewhere = [] }) => elsewhere),
  };
}

/** Opens the kernel image at a path. @throws RebootlessError `usage` if there is no image, and as `openInput`. */
export async function openImageInput(path: string): Promise<Uint8Array> {
  return requireImage(await openInput(path), path);
}

export function requireImage({ image, elsewhere = [] }: KernelInput, path: string): Uint8Array {
  if (image !== undefined) return image;
  throw new RebootlessError("usage", `${path} does not contain a kernel`, {
    hint:
      elsewhere.length > 0
        ? `It only depends on ${elsewhere.join(" and ")}: give these, the one with the kernel as the image and the one with the modules as modules.`
        : "Give a vmlinuz or vmlinux, a package that has it, or a folder that has boot/vmlinuz-* or lib/modules/*/vmlinuz.",
  });
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
