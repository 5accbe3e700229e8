import { unpackedChunks } from "../../node/unpack.ts";
import { ByteStream } from "../../shared/archive/byte_stream.ts";
import { tarFiles } from "../../shared/archive/tar.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { arMembers } from "./ar.ts";
import { isBootPath, isImagePath, oneImage } from "./images.ts";
import type { KernelInput } from "./kernel_input.ts";
import { type ModuleFile, moduleName, readModule } from "./module_files.ts";

/** The largest size of a package unpacked, in bytes. The package of a whole generic kernel has 400 MB. */
export const MAX_PACKAGE_UNPACKED = 2 * 1024 ** 3;
/** The largest part of a package that is kept, in bytes: an image, and the modules asked for, still compressed. */
export const MAX_PACKAGE_KEPT = 1024 ** 3;

/**
 * Reads the kernel and modules of a Debian package (deb(5)), which is an ar archive whose `data.tar.*` has the files.
 * Nothing is written to disk. Unpacking a package takes seconds, and dpkg-deb puts the folder of the kernel first, so the
 * rest is not read unless modules are wanted.
 * @param wants is called with the path of each module file, and says whether the file is wanted; undefined if none is.
 * @throws ParseError, RebootlessError `limit`, `usage`.
 */
export async function readDeb(
  bytes: Uint8Array,
  wants: ((path: string) => boolean) | undefined,
): Promise<KernelInput> {
  const data = arMembers(bytes).find(({ name }) => /^data\.tar(\.(xz|zst|gz))?$/.test(name));
  if (data === undefined) {
    throw new ParseError(
      "not a Debian package with data in tar format, either uncompressed or compressed with xz, zstd or gzip",
    );
  }
  const stream = new ByteStream(
    unpackedChunks(data.bytes, MAX_PACKAGE_UNPACKED),
    "package",
    MAX_PACKAGE_UNPACKED,
  );
  const images: { path: string; bytes: Uint8Array }[] = [];
  const modules: ModuleFile[] = [];
  let kept = 0;
  const isKept = (path: string, size: number): boolean | "end" => {
    const hasImage = images.some((image) => isBootPath(image.path));
    if (wants === undefined && hasImage && !isBootPath(path)) return "end";
    if (!isImagePath(path) && !wants?.(path)) return false;
    kept += size;
    if (kept > MAX_PACKAGE_KEPT)
      throw new RebootlessError("limit", `package: more than ${MAX_PACKAGE_KEPT} bytes to keep`);
    return true;
  };
  for await (const file of tarFiles(stream, isKept)) {
    const name = moduleName(file.path);
    if (name === undefined) images.push(file);
    else modules.push({ name, path: file.path, read: () => readModule(file.bytes) });
  }
  if (wants !== undefined) await stream.drain();
  return { image: oneImage(images, "the package")?.bytes, modules };
}
