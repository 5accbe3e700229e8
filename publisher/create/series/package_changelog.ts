import { gunzipSync } from "node:zlib";
import { readNamed } from "../../../node/files.ts";
import { unpackedChunks } from "../../../node/unpack.ts";
import { ByteStream } from "../../../shared/archive/byte_stream.ts";
import { tarFiles } from "../../../shared/archive/tar.ts";
import { arMembers } from "../../kernel_files/ar.ts";
import { cvesSince, newestVersion } from "./changelog.ts";

/** The largest package, and how much of what is in it is read to find its changelog, in bytes. */
const MAX_PACKAGE_BYTES = 512 << 20;
const MAX_READ = 64 << 20;
/** The largest changelog in bytes. That of Debian's kernel has 5 MB. */
const MAX_CHANGELOG_BYTES = 32 << 20;

/**
 * Returns the CVEs that the changelog of a source package names for the step from another one; none if either is no
 * Debian package, or has no changelog.
 */
export async function changelogCves(from: string, to: string): Promise<readonly string[]> {
  if (!from.endsWith(".deb") || !to.endsWith(".deb")) return [];
  const [before, after] = [await changelogOf(from), await changelogOf(to)];
  const version = before && newestVersion(before);
  return version === undefined || after === undefined ? [] : (cvesSince(after, version) ?? []);
}

/** Reads usr/share/doc/PACKAGE/changelog.Debian.gz. It comes before the source. */
async function changelogOf(path: string): Promise<string | undefined> {
  const data = arMembers(await readNamed(path, MAX_PACKAGE_BYTES)).find(({ name }) =>
    name.startsWith("data.tar"),
  );
  if (data === undefined) return undefined;
  const stream = new ByteStream(unpackedChunks(data.bytes, MAX_PACKAGE_BYTES), "data.tar", MAX_READ);
  const isMeant = (name: string): boolean =>
    /^(?:\.\/)?usr\/share\/doc\/[^/]+\/changelog\.Debian\.gz$/.test(name);
  for await (const file of tarFiles(stream, isMeant))
    return gunzipSync(file.bytes, { maxOutputLength: MAX_CHANGELOG_BYTES }).toString("utf8");
  return undefined;
}
