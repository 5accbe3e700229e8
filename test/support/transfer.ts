import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import {
  decodeTransfer,
  encodeTransfer,
  MAX_TRANSFER_BYTES,
  TRANSFER,
  type Transfer,
} from "../../mirror/transfer.ts";
import { sha256Of } from "../../node/crypto.ts";
import { ByteStream } from "../../shared/archive/byte_stream.ts";
import { type TarFile, tarEnd, tarFiles, tarHeader, tarPadding } from "../../shared/archive/tar.ts";

/** What stands in a transfer: what it says of itself, and its files. */
export interface Contents {
  readonly transfer: Transfer;
  readonly files: readonly TarFile[];
}

export async function readTransfer(path: string): Promise<Contents> {
  const stream = new ByteStream(createReadStream(path), path, MAX_TRANSFER_BYTES);
  const files: TarFile[] = [];
  for await (const file of tarFiles(stream, () => true)) files.push(file);
  const [head, ...rest] = files;
  if (head?.path !== TRANSFER) throw new Error(`${path} does not begin with ${TRANSFER}`);
  return { transfer: decodeTransfer(head.bytes), files: rest };
}

/** As an export would have written it; what it says of itself may be a lie, but for the list of files. */
export async function writeTransfer(path: string, { transfer, files }: Contents): Promise<void> {
  const listed = await Promise.all(
    files.map(async ({ path: name, bytes }) => ({
      path: name,
      length: bytes.length,
      sha256: sha256Of(bytes),
    })),
  );
  await writeFile(
    path,
    tarOf([{ path: TRANSFER, bytes: encodeTransfer({ ...transfer, files: listed }) }, ...files]),
  );
}

export const tarOf = (files: readonly TarFile[]): Uint8Array =>
  Buffer.concat([
    ...files.flatMap(({ path, bytes }) => [
      tarHeader(path, bytes.length, 0),
      bytes,
      tarPadding(bytes.length),
    ]),
    tarEnd(),
  ]);
