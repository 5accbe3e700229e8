import { unpackedChunks } from "../../node/unpack.ts";
import { ByteStream } from "../../shared/archive/byte_stream.ts";
import { tarFiles } from "../../shared/archive/tar.ts";
import { fromUtf8 } from "../../shared/bytes.ts";
import { ParseError } from "../../shared/errors.ts";
import { type ArMember, arMembers } from "./ar.ts";
import type { KernelInput } from "./kernel_input.ts";
import { PackageFiles, type WantedPaths } from "./package_files.ts";
import { readTar } from "./tar_package.ts";

/** The largest control.tar unpacked, in bytes. It has a few texts and scripts. */
const MAX_CONTROL = 16 << 20;

/**
 * Reads the kernel and modules of a Debian package (deb(5)), which is an ar archive whose `data.tar.*` has the files.
 * Unpacking a package takes seconds, and dpkg-deb puts the folder of the kernel first, so the rest is not read unless
 * modules are wanted.
 * @throws ParseError, RebootlessError `limit`, `usage`.
 */
export async function readDeb(bytes: Uint8Array, wants: WantedPaths | undefined): Promise<KernelInput> {
  const members = arMembers(bytes);
  const data = partOf(members, "data");
  if (data === undefined) {
    throw new ParseError(
      "not a Debian package with data in tar format, either uncompressed or compressed with xz, zstd or gzip",
    );
  }
  const found = await readTar(data.bytes, new PackageFiles(wants), wants === undefined);
  if (found.image !== undefined || found.modules.length > 0) return found;
  const elsewhere = await dependencies(members);
  return { ...found, ...(elsewhere.length > 0 && { elsewhere }) };
}

const partOf = (members: readonly ArMember[], part: string): ArMember | undefined =>
  members.find(({ name }) => new RegExp(`^${part}\\.tar(\\.(xz|zst|gz))?$`).test(name));

/**
 * Returns the names of the packages with the kernel and its modules, on which a package without any file of its own
 * depends (Debian since 6.19).
 */
async function dependencies(members: readonly ArMember[]): Promise<readonly string[]> {
  const depends = /^Depends: (.*)$/m.exec((await controlIn(members)) ?? "")?.[1] ?? "";
  return depends.split(/[\s,]+/).filter((name) => /^linux-(?:binary|modules)-\d/.test(name));
}

/** Returns the control file of a Debian package, which names and describes it (deb-control(5)). */
export async function debControl(bytes: Uint8Array): Promise<string> {
  const control = await controlIn(arMembers(bytes));
  if (control === undefined) throw new ParseError("not a Debian package: it has no control file");
  return control;
}

async function controlIn(members: readonly ArMember[]): Promise<string | undefined> {
  const part = partOf(members, "control");
  if (part === undefined) return undefined;
  const stream = new ByteStream(unpackedChunks(part.bytes, MAX_CONTROL), "control.tar", MAX_CONTROL);
  for await (const file of tarFiles(stream, (path) => /^(?:\.\/)?control$/.test(path)))
    return fromUtf8(file.bytes);
  return undefined;
}
