import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ByteStream } from "../shared/archive/byte_stream.ts";
import { tarFiles } from "../shared/archive/tar.ts";
import { counted } from "../shared/counted.ts";
import { RebootlessError } from "../shared/errors.ts";
import { MAX_ARCHIVE_BYTES } from "./transfer.ts";
import { decodePart, MAX_PART_JSON, PART, type Part } from "./transfer_part.ts";

/** The size of a block of a tar archive: a header takes one, and a file whole ones. */
const BLOCK = 512;

export const partName = (output: string, part: number): string =>
  `${output}.${String(part).padStart(3, "0")}`;

/** Returns the parts of a transfer of this name that lie in its folder, in order. */
export async function partsOf(output: string): Promise<readonly string[]> {
  const [folder, name] = [dirname(output), basename(output)];
  const names = await readdir(folder).catch((): string[] => []);
  const isPart = (one: string) => one.startsWith(`${name}.`) && /^\d{3,4}$/.test(one.slice(name.length + 1));
  return names
    .filter(isPart)
    .sort()
    .map((one) => join(folder, one));
}

interface PartFile extends Part {
  readonly path: string;
  /** The offset of its bytes in the file. */
  readonly start: number;
}

/**
 * Opens a transfer that lies in one file, or in parts that are given in any order. Every part is checked
 * before the first byte is read.
 *
 * @throws RebootlessError `usage` for parts that are missing or belong to another transfer, `trust` for a
 * damaged part.
 */
export async function openTransfer(paths: readonly string[]): Promise<ByteStream> {
  const parts: PartFile[] = [];
  for (const path of paths) {
    const part = await partOf(path);
    if (part) parts.push(part);
    else if (paths.length > 1)
      throw new RebootlessError("usage", `${path} is a whole transfer, not a part of one`);
    else return new ByteStream(createReadStream(path), path, MAX_ARCHIVE_BYTES);
  }
  const ordered = complete(parts);
  for (const part of ordered) await requireSound(part);
  return new ByteStream(chunksOf(ordered), ordered[0]?.path ?? "", MAX_ARCHIVE_BYTES);
}

async function partOf(path: string): Promise<PartFile | undefined> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  if (!found.isFile()) throw new RebootlessError("usage", `${path} is not a file`);
  const stream = new ByteStream(createReadStream(path, { end: 16 * 1024 }), path, MAX_ARCHIVE_BYTES);
  try {
    for await (const file of tarFiles(stream, (name, size) => name === PART && size <= MAX_PART_JSON)) {
      const start = 2 * BLOCK + Math.ceil(file.bytes.length / BLOCK) * BLOCK;
      return { ...decodePart(file.bytes), path, start };
    }
    return undefined;
  } catch {
    return undefined; // It is a whole transfer, or is found not to be one when it is read.
  }
}

function complete(parts: readonly PartFile[]): readonly PartFile[] {
  const [first] = parts;
  if (!first) throw new RebootlessError("usage", "no transfer is given");
  const other = parts.find(({ transfer }) => transfer !== first.transfer);
  if (other)
    throw new RebootlessError("usage", `${other.path} is a part of another transfer than ${first.path}`);
  const byNumber = new Map(parts.map((part) => [part.part, part]));
  const missing = Array.from({ length: first.parts }, (_, i) => i + 1).filter(
    (number) => !byNumber.has(number),
  );
  if (missing.length > 0) {
    const which = `${missing.slice(0, 20).join(", ")}${missing.length > 20 ? ", …" : ""}`;
    throw new RebootlessError("usage", `these of ${counted(first.parts, "part")} are missing: ${which}`, {
      hint: "Give all parts at once, in any order. Nothing was changed.",
    });
  }
  return [...byNumber.values()].sort((a, b) => a.part - b.part);
}

async function requireSound(part: PartFile): Promise<void> {
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of chunksOf([part])) {
    hash.update(chunk);
    length += chunk.length;
  }
  if (length === part.length && hash.digest("hex") === part.sha256) return;
  throw new RebootlessError("trust", `part ${part.part} is damaged: ${part.path}`, {
    hint: "Copy that part again. Nothing was changed.",
  });
}

async function* chunksOf(parts: readonly PartFile[]): AsyncGenerator<Uint8Array> {
  for (const { path, start, length } of parts) {
    for await (const chunk of createReadStream(path, { start, end: start + length - 1 }))
      yield chunk as Buffer;
  }
}
