import { createHash } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { RebootlessError } from "../../shared/errors.ts";
import { hasErrno } from "../host/files.ts";
import { type Feed, type Fetched, type FetchLimits, unreachable } from "./feed.ts";

/**
 * A feed in a folder: a mirror, a mounted stick or image, by the same paths as over HTTP. It makes no request. A
 * file's tag is its digest.
 *
 * @param base a file URL, ending in a slash.
 */
export function folderFeed(base: string): Feed {
  const traffic = { requests: 0, bytes: 0 };
  return {
    url: base,
    traffic,
    async get(path, limits) {
      const url = new URL(path, base);
      const bytes = await readFile(url, base, limits.maxBytes);
      if (!bytes) return { status: "not_found" };
      traffic.bytes += bytes.length;
      return tagged(bytes, limits);
    },
  };
}

/** The answer with these bytes, or that they are the ones that are known. */
export function tagged(bytes: Uint8Array, { etag }: FetchLimits): Fetched {
  const tag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
  return tag === etag ? { status: "not_modified" } : { status: "ok", bytes, etag: tag };
}

async function readFile(url: URL, base: string, maxBytes: number): Promise<Uint8Array | undefined> {
  let file: FileHandle | undefined;
  try {
    // What lies on a stick may be a pipe that nobody writes to: opening it must not wait.
    file = await open(fileURLToPath(url), constants.O_RDONLY | constants.O_NONBLOCK);
    return await readBounded(file, url, maxBytes);
  } catch (cause) {
    if (cause instanceof RebootlessError) throw cause;
    if (!hasErrno(cause, "ENOENT", "ENOTDIR")) throw unreachable(url.href, "cannot be read", cause);
    // Where a stick is not mounted its folder is empty, which is not to say that this kernel is not covered.
    if (!existsSync(new URL("kernels/", base))) throw unreachable(base, "has no feed in it: is it mounted?");
    return undefined;
  } finally {
    await file?.close();
  }
}

async function readBounded(file: FileHandle, url: URL, maxBytes: number): Promise<Uint8Array> {
  const found = await file.stat();
  if (!found.isFile()) throw unreachable(url.href, "is not a file");
  if (found.size > maxBytes) throw unreachable(url.href, "has more than the file may have");
  const bytes = new Uint8Array(found.size);
  for (let had = 0; had < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, had, bytes.length - had, had);
    if (bytesRead === 0) throw unreachable(url.href, "became shorter while it was read");
    had += bytesRead;
  }
  return bytes;
}
