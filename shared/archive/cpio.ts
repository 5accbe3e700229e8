import { latin1 } from "../elf/strings.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { bytes, struct } from "../struct.ts";
import type { ByteStream } from "./byte_stream.ts";
import { MAX_TAR_ENTRIES, type TarFile } from "./tar.ts";

/** The header of an entry in the "new ASCII" form (cpio(5)): its fields are eight hex digits each. */
const HEADER = struct(110, {
  magic: bytes(0, 6),
  mode: bytes(14, 8),
  size: bytes(54, 8),
  nameSize: bytes(94, 8),
});
/** Without and with a checksum, which is not used by the tools that write archives today. */
const MAGICS: readonly string[] = ["070701", "070702"];
const LAST = "TRAILER!!!";
const MAX_NAME = 4096;
const ALIGNMENT = 4;
/** The kind of file in the mode (stat(2)), and that of a regular file. */
const [KIND, REGULAR] = [0o170000, 0o100000];

/**
 * Yields the wanted regular files of a cpio archive. It writes nothing to disk, so a path is only a name. Links are left
 * out; of files that are hard links to each other, all but the last are empty.
 * @param wants decides by the path and the announced size.
 * @throws ParseError
 * @throws RebootlessError `limit`
 */
export async function* cpioFiles(
  stream: ByteStream,
  wants: (path: string, size: number) => boolean,
): AsyncGenerator<TarFile, void> {
  for (let entries = 0; ; entries++) {
    if (entries === MAX_TAR_ENTRIES)
      throw new RebootlessError("limit", `cpio: more than ${MAX_TAR_ENTRIES} entries`);
    const fields = HEADER.view(await stream.take(HEADER.size), "cpio header");
    if (!MAGICS.includes(latin1(fields("magic")))) throw new ParseError("cpio: a header in another format");
    const [mode, size, nameSize] = (["mode", "size", "nameSize"] as const).map((name) => hex(fields(name)));
    if (mode === undefined || size === undefined || nameSize === undefined || nameSize > MAX_NAME)
      throw new ParseError("cpio: a damaged header");
    const path = latin1(await stream.take(nameSize)).replace(/\0.*$/s, "");
    await stream.skip(-(HEADER.size + nameSize) & (ALIGNMENT - 1));
    if (path === LAST) return;
    if ((mode & KIND) === REGULAR && size > 0 && wants(path, size))
      yield { path, bytes: await stream.take(size) };
    else await stream.skip(size);
    await stream.skip(-size & (ALIGNMENT - 1));
  }
}

function hex(field: Uint8Array): number | undefined {
  const digits = latin1(field);
  return /^[0-9a-fA-F]{8}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
