import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { RebootlessError } from "../../shared/errors.ts";
import type { Reading } from "../files.ts";
import { ClosedFolder } from "../folder/closed_folder.ts";
import { type Feed, type Fetched, type FetchLimits, tooLong, unreachable } from "./feed.ts";

/**
 * Opens a feed in a folder, such as a mirror, a mounted stick or an image. Its paths are those of a feed over HTTP.
 * It makes no request. The tag of a file is its digest. The maker of the folder is not trusted: no link in it is
 * followed, and only plain files are opened.
 *
 * @param base a file URL that ends in a slash.
 */
export function folderFeed(base: string): Feed {
  const traffic = { requests: 0, bytes: 0 };
  const folder = new ClosedFolder(fileURLToPath(base));
  return {
    url: base,
    traffic,
    async get(path, limits) {
      const bytes = await readFile(folder, new URL(path, base), base, limits.maxBytes);
      if (!bytes) return { status: "not_found" };
      traffic.bytes += bytes.length;
      return tagged(bytes, limits);
    },
  };
}

/** Returns bytes as an answer, or "not modified" if the caller has them already. */
export function tagged(bytes: Uint8Array, { etag }: FetchLimits): Fetched {
  const tag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
  return tag === etag ? { status: "not_modified" } : { status: "ok", bytes, etag: tag };
}

async function readFile(
  folder: ClosedFolder,
  url: URL,
  base: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const reading = await read(folder, url, maxBytes).catch((cause: unknown) => {
    throw cause instanceof RebootlessError ? cause : unreachable(url.href, "cannot be read", cause);
  });
  switch (reading.kind) {
    case "bytes":
      return reading.bytes;
    case "large":
      throw tooLong(url.href, "has more than the file may have");
    case "foreign":
      throw unreachable(url.href, "is a link, or no file");
    case "nothing":
      if ((await folder.look("kernels", (found) => found.kind)) === "folder") return undefined;
      // The folder of a stick that is not mounted is empty. That does not mean that the feed does not cover this
      // kernel.
      throw unreachable(base, "has no feed in it: is it mounted?");
  }
}

async function read(folder: ClosedFolder, url: URL, maxBytes: number): Promise<Reading> {
  const path = fileURLToPath(url);
  return path.startsWith(folder.path)
    ? folder.read(path.slice(folder.path.length), maxBytes)
    : { kind: "foreign" };
}
