import { unpackedChunks } from "../../node/unpack.ts";
import { ByteStream } from "../../shared/archive/byte_stream.ts";
import { tarFiles } from "../../shared/archive/tar.ts";
import type { KernelInput } from "./kernel_input.ts";
import { MAX_PACKAGE_UNPACKED, type PackageFiles } from "./package_files.ts";

/**
 * Reads the kernel and modules of a tar archive: that in a Debian package, a package of Arch (.pkg.tar.zst) or Alpine
 * (.apk: several archives without their ends, one after the other), or a plain one.
 * @param endsEarly true to stop when everything was found. The rest of the archive is not verified then.
 * @throws ParseError, RebootlessError `limit`, `usage`.
 */
export async function readTar(
  bytes: Uint8Array,
  files: PackageFiles,
  endsEarly: boolean,
): Promise<KernelInput> {
  const chunks = unpackedChunks(bytes, MAX_PACKAGE_UNPACKED);
  const stream = new ByteStream(chunks, "package", MAX_PACKAGE_UNPACKED);
  const isKept = (path: string, size: number): boolean | "end" =>
    endsEarly && files.isComplete(path) ? "end" : files.isKept(path, size);
  for await (const file of tarFiles(stream, isKept)) files.add(file);
  if (!endsEarly) await stream.drain();
  return files.found;
}
