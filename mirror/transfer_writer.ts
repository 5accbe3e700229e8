import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { sha256Of } from "../node/crypto.ts";
import { writeDurably } from "../node/files.ts";
import { tarEnd, tarHeader, tarPadding } from "../shared/archive/tar.ts";
import { type Sha256Hex, sha256Hex } from "../shared/brand.ts";
import { RebootlessError } from "../shared/errors.ts";
import { type Instant, SECOND } from "../shared/time.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import type { TransferFile } from "./transfer.ts";
import { encodePart, MAX_PARTS, PART, PART_DATA } from "./transfer_part.ts";
import { partName } from "./transfer_parts.ts";

export interface TransferOutput {
  readonly output: string;
  /** The size of a part in bytes; if it is undefined, one file is written. */
  readonly split: number | undefined;
  readonly now: Instant;
}

/** The bytes of a file, or the mirror that has them at the file's path. */
type Content = { readonly bytes: Uint8Array } | { readonly from: MirrorDir };
export type TransferEntry = TransferFile & Content;

/**
 * Writes a transfer into one file, or into parts. A file appears under its name once it is whole.
 *
 * @param digest the SHA-256 of transfer.json.
 */
export async function writeTransfer(
  { output, split, now }: TransferOutput,
  entries: readonly TransferEntry[],
  digest: Sha256Hex,
): Promise<readonly string[]> {
  const seconds = Math.floor(now / SECOND);
  const tar = tarOf(entries, seconds);
  if (split === undefined) {
    await writeDurably(output, tar);
    return [output];
  }
  const whole = `${output}.${process.pid}.new`;
  try {
    await writeDurably(whole, tar);
    return await writeParts(whole, output, split, digest, seconds);
  } finally {
    await rm(whole, { force: true });
  }
}

async function* tarOf(entries: readonly TransferEntry[], seconds: number): AsyncIterable<Uint8Array> {
  for (const entry of entries) {
    yield tarHeader(entry.path, entry.length, seconds);
    yield await contentOf(entry);
    yield tarPadding(entry.length);
  }
  yield tarEnd();
}

/** Reads a file of the mirror once, so that the bytes that are written are those whose digest was compared. */
async function contentOf(entry: TransferEntry): Promise<Uint8Array> {
  if ("bytes" in entry) return entry.bytes;
  const bytes = await entry.from.read(entry.path, entry.length).catch((cause: unknown) => {
    throw damaged(entry.path, cause);
  });
  if (bytes?.length === entry.length && sha256Of(bytes) === entry.sha256) return bytes;
  throw damaged(entry.path);
}

async function writeParts(
  whole: string,
  output: string,
  size: number,
  transfer: Sha256Hex,
  seconds: number,
): Promise<readonly string[]> {
  const total = (await stat(whole)).size;
  const parts = Math.ceil(total / size);
  if (parts > MAX_PARTS) {
    throw new RebootlessError(
      "usage",
      `with ${size} bytes a part there would be ${parts} parts, more than ${MAX_PARTS}`,
    );
  }
  const written: string[] = [];
  for (let part = 1; part <= parts; part++) {
    const start = (part - 1) * size;
    const length = Math.min(size, total - start);
    const read = () => createReadStream(whole, { start, end: start + length - 1 });
    const hash = createHash("sha256");
    for await (const chunk of read()) hash.update(chunk as Buffer);
    const head = encodePart({ transfer, part, parts, length, sha256: sha256Hex(hash.digest("hex")) });
    const path = partName(output, part);
    await writeDurably(path, partTar(head, length, read(), seconds));
    written.push(path);
  }
  return written;
}

async function* partTar(
  head: Uint8Array,
  length: number,
  data: AsyncIterable<Uint8Array>,
  seconds: number,
): AsyncIterable<Uint8Array> {
  yield tarHeader(PART, head.length, seconds);
  yield head;
  yield tarPadding(head.length);
  yield tarHeader(PART_DATA, length, seconds);
  yield* data;
  yield tarPadding(length);
  yield tarEnd();
}

/** Returns the error for a file of the mirror that is missing or wrong. */
export const damaged = (path: string, cause?: unknown): RebootlessError =>
  new RebootlessError("trust", `${path} of this mirror is damaged or missing`, {
    cause,
    hint: "Nothing was written. Run `rebootless mirror verify`, then `rebootless mirror sync`.",
  });
