import { writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { sha256Of } from "../node/crypto.ts";
import { counted } from "../shared/counted.ts";
import { RebootlessError } from "../shared/errors.ts";
import { type MirrorDir, OWN } from "./mirror_dir.ts";
import { MAX_RENEWALS_FILE_BYTES, MAX_TRANSFER_BYTES, TRANSFER, type Transfer } from "./transfer.ts";

/** The folder in which a transfer is unpacked and verified before any of it counts. */
export const INCOMING = `${OWN}/incoming`;
/** Tells whether a file is read from the archive. One that is too large is refused, and not skipped. */
export function wants(path: string, size: number): boolean {
  const max = path === TRANSFER ? MAX_TRANSFER_BYTES : MAX_RENEWALS_FILE_BYTES;
  if (size <= max) return true;
  throw new RebootlessError(
    "limit",
    `the transfer holds a file of ${size} bytes, more than ${max}: ${JSON.stringify(path.slice(0, 80))}`,
  );
}

/** Unpacks a transfer. It must hold every listed file once, as it is listed, and no other file. */
export async function unpack(
  files: AsyncGenerator<{ readonly path: string; readonly bytes: Uint8Array }>,
  { files: listed }: Transfer,
  dir: MirrorDir,
  progress: (line: string) => void,
): Promise<void> {
  const left = new Map(listed.map((file) => [file.path, file]));
  for await (const { path, bytes } of files) {
    const file = left.get(path);
    const name = JSON.stringify(path.slice(0, 100));
    if (!file) throw new RebootlessError("trust", `the transfer holds ${name}, which it does not list`);
    if (bytes.length !== file.length || sha256Of(bytes) !== file.sha256) {
      throw new RebootlessError("trust", `${name} is not the file that the transfer lists`);
    }
    left.delete(path);
    await dir.files.within(`${INCOMING}/${dirname(path)}`, (at) =>
      writeFile(`${at}/${basename(path)}`, bytes, { flag: "wx" }),
    );
    const done = listed.length - left.size;
    if (done % 1000 === 0) progress(`${done} of ${counted(listed.length, "file")} unpacked`);
  }
  const [missing] = left.keys();
  if (missing === undefined) return;
  throw new RebootlessError(
    "trust",
    `the transfer lacks ${missing}${left.size > 1 ? ` and ${left.size - 1} more` : ""}`,
  );
}
