import type { Sha256Hex } from "../../shared/brand.ts";
import { encodeJson, type JsonValue, jsonObject } from "../../shared/json.ts";
import { etagOf, noneMatchNames } from "./etag.ts";

/** How long a file may be kept by caches on the way. */
export type Lifetime = "immutable" | "moving";

const CACHE_CONTROL: Readonly<Record<Lifetime, string>> = {
  immutable: "public, max-age=31536000, immutable",
  moving: "public, max-age=60, stale-while-revalidate=300",
};

export interface File {
  readonly sha256: Sha256Hex;
  /** Bytes. */
  readonly length: number;
  readonly lifetime: Lifetime;
  readonly type: "application/json" | "application/octet-stream";
}

/** Whether the answer can be nothing but the whole file. */
export const wantsWhole = (request: Request): boolean =>
  request.method !== "HEAD" && !request.headers.has("If-None-Match");

/** 304 when the client has the file, the headers alone for HEAD; undefined when the body must be sent. */
export function answerWithoutBody(request: Request, file: File): Response | undefined {
  if (noneMatchNames(request.headers.get("If-None-Match") ?? undefined, etagOf(file.sha256))) {
    return new Response(null, { status: 304, headers: validators(file) });
  }
  return request.method === "HEAD" ? new Response(null, { headers: described(file) }) : undefined;
}

export const answerWhole = (file: File, body: Uint8Array | ReadableStream<Uint8Array>): Response =>
  new Response(body as Uint8Array<ArrayBuffer> | ReadableStream, { headers: described(file) });

const validators = (file: File) => ({
  ETag: etagOf(file.sha256),
  "Cache-Control": CACHE_CONTROL[file.lifetime],
});

const described = (file: File) => ({
  ...validators(file),
  "Content-Type": file.type,
  "Content-Length": String(file.length),
  "X-Content-Type-Options": "nosniff",
});

/** JSON that is nobody's to keep: results and errors. */
export function jsonAnswer(
  status: number,
  members: Readonly<Record<string, JsonValue>>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(encodeJson(jsonObject(members)) as Uint8Array<ArrayBuffer>, {
    status,
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      ...headers,
    },
  });
}
