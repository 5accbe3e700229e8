import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { cannotListen } from "../node/cannot_listen.ts";
import { hasErrno } from "../node/errno.ts";
import { type Sha256Hex, sha256Hex } from "../shared/brand.ts";
import { fromUtf8 } from "../shared/bytes.ts";
import { errorLines } from "../shared/error_lines.ts";
import { INDEX_PATH, MAX_INDEX_BYTES } from "../shared/feed/kernel_index.ts";
import { askedRenewals, listingToJson, renewalsToJson } from "../shared/feed/listing.ts";
import { etagOf, noneMatchNames } from "../shared/http/etag.ts";
import { rangeOf } from "../shared/http/range.ts";
import { encodeJson, type JsonObject, jsonObject } from "../shared/json.ts";
import { MAX_ARTIFACT_BYTES, MAX_BUNDLE_BYTES } from "../shared/limits.ts";
import { SECOND } from "../shared/time.ts";
import { ChangeList } from "./change_list.ts";
import type { MirrorDir } from "./mirror_dir.ts";

const MAX_CONNECTIONS = 1024;
const REQUEST_TIMEOUT = 30 * SECOND;
/** The time after which a connection on which nothing is read is closed, so that others can have it. */
const IDLE_TIMEOUT = 60 * SECOND;
/** The number of digests that are remembered. The hosts of a mirror ask for fewer files than this. */
const MAX_DIGESTS = 100_000;

/** The only paths that lead to files. Nothing else in the folder can be requested. */
const MOVING = /^\/kernels\/(?:index\.json|[0-9a-f]{16,64}\/(?:feed\.json|metadata\/timestamp\.json))$/;
const FIXED =
  /^\/(?:artifacts\/[0-9a-f]{64}|root\/[1-9]\d{0,8}\.root\.json|kernels\/[0-9a-f]{16,64}\/(?:metadata\/[1-9]\d{0,8}\.(?:root|snapshot|targets)\.json|targets\/kernels\/[0-9a-f]{64}\.[0-9a-f]{16,64}\.json))$/;

/** The same values as at the edge, so that caches on the way treat both alike. */
const CACHE_CONTROL = {
  fixed: "public, max-age=31536000, immutable",
  moving: "public, max-age=60, stale-while-revalidate=300, stale-if-error=3600",
} as const;

/** The errors of a client that went away in the middle of the answer. */
const GONE = ["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"];

export interface ServeMirror {
  readonly dir: MirrorDir;
  readonly host: string;
  /** The port to listen at; 0 takes any free one. */
  readonly port: number;
  readonly report: (line: string) => void;
}

/** Serves a mirror over HTTP, with the paths, ETags and ranges of the edge. It only reads. */
export async function serveMirror({ dir, host, port, report }: ServeMirror): Promise<Server> {
  const files = new MirrorFiles(dir);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT }, (request, response) => {
    files.answer(request, response).catch((error: unknown) => {
      if (hasErrno(error, ...GONE)) return;
      for (const line of errorLines(error)) report(line);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "internal", "something went wrong here");
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(host, port, cause)));
    server.listen(port, host, resolve);
  });
  return server;
}

class MirrorFiles {
  readonly #dir: MirrorDir;
  readonly #changes: ChangeList;
  /** Digests by path. `known` tells whether the file is still the one that was read. */
  readonly #digests = new Map<string, { readonly known: string; readonly sha256: Sha256Hex }>();

  constructor(dir: MirrorDir) {
    this.#dir = dir;
    this.#changes = new ChangeList(dir);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      return refuse(response, 405, "usage", "this method is not for this path");
    }
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    const asked = new URLSearchParams(query);
    if (path === "/kernels/changes") {
      return sendJson(response, listingToJson(await this.#changes.since(asked.get("since") ?? undefined)));
    }
    if (path === "/kernels/timestamps") return this.#timestamps(response, asked.get("ids") ?? undefined);
    if (FIXED.test(path)) return this.#file(request, response, path, "fixed");
    if (MOVING.test(path)) return this.#file(request, response, path, "moving");
    refuse(response, 404, "not_found", "nothing is here");
  }

  async #timestamps(response: ServerResponse, ids: string | undefined): Promise<void> {
    const asked = askedRenewals(ids);
    if (!asked) return refuse(response, 400, "usage", "ids: build IDs, a comma between them");
    const found = [];
    for (const buildId of new Set(asked)) {
      const bundle = await this.#dir.bundle(buildId);
      if (!bundle) continue;
      found.push({ buildId, timestamp: fromUtf8(bundle.timestamp), snapshot: fromUtf8(bundle.snapshot) });
    }
    sendJson(response, renewalsToJson(found));
  }

  async #file(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    lifetime: keyof typeof CACHE_CONTROL,
  ): Promise<void> {
    const file = await openFile(this.#dir, path.slice(1));
    if (!file) return refuse(response, 404, "not_found", "nothing is here");
    try {
      const { size } = await file.stat();
      const etag = etagOf(await this.#digest(file, path));
      const { headers } = request;
      const common = {
        ETag: etag,
        "Cache-Control": CACHE_CONTROL[lifetime],
        "Access-Control-Allow-Origin": "*",
      };
      if (noneMatchNames(headers["if-none-match"], etag)) return void response.writeHead(304, common).end();
      const described = { ...common, "Content-Type": typeOf(path), "Accept-Ranges": "bytes" };
      const range = request.method === "HEAD" ? undefined : headers.range;
      const wanted = rangeOf(range, single(headers["if-range"]), etag, size);
      if (wanted.kind === "unsatisfiable") {
        return void response.writeHead(416, { "Content-Range": `bytes */${size}` }).end();
      }
      const { start, end } = wanted.kind === "part" ? wanted : { start: 0, end: size };
      if (wanted.kind === "part") response.setHeader("Content-Range", `bytes ${start}-${end - 1}/${size}`);
      response.writeHead(wanted.kind === "part" ? 206 : 200, { ...described, "Content-Length": end - start });
      if (request.method === "HEAD" || start === end) return void response.end();
      const stream = file.createReadStream({ start, end: end - 1, autoClose: false });
      await pipeline(stream, response, { end: false });
      // The file became shorter meanwhile: the client must not wait for the rest.
      if (stream.bytesRead < end - start) response.destroy();
      else response.end();
    } finally {
      await file.close();
    }
  }

  /**
   * Returns the digest of the bytes, even if the name states one: a damaged file must not have the ETag of
   * the sound one.
   */
  async #digest(file: FileHandle, path: string): Promise<Sha256Hex> {
    const { ino, mtimeMs, size } = await file.stat();
    const known = `${ino} ${mtimeMs} ${size}`;
    const before = this.#digests.get(path);
    if (before?.known === known) return before.sha256;
    const hash = createHash("sha256");
    for await (const chunk of file.createReadStream({ start: 0, autoClose: false }))
      hash.update(chunk as Buffer);
    const sha256 = sha256Hex(hash.digest("hex"));
    if (this.#digests.size >= MAX_DIGESTS) this.#digests.clear();
    this.#digests.set(path, { known, sha256 });
    return sha256;
  }
}

/**
 * Opens a file, which stays the same when another takes its name meanwhile. Returns undefined for a file that
 * is larger than any of its kind can be.
 */
async function openFile({ files }: MirrorDir, path: string): Promise<FileHandle | undefined> {
  try {
    return await files.look(path, (found) =>
      found.kind === "file" && found.size <= largest(path)
        ? open(found.at, constants.O_RDONLY | constants.O_NONBLOCK)
        : undefined,
    );
  } catch (error) {
    if (hasErrno(error, "EACCES")) return undefined;
    throw error;
  }
}

function largest(path: string): number {
  if (path === INDEX_PATH) return MAX_INDEX_BYTES;
  return path.startsWith("artifacts/") ? MAX_ARTIFACT_BYTES : MAX_BUNDLE_BYTES;
}

const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

const typeOf = (path: string): string =>
  path.startsWith("/artifacts/") ? "application/octet-stream" : "application/json";

function sendJson(response: ServerResponse, body: JsonObject): void {
  response
    .writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" })
    .end(encodeJson(body));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const error = jsonObject({ code, message });
  response
    .writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" })
    .end(encodeJson(jsonObject({ error })));
}
