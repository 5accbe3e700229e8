import type { Sha256Hex } from "../../shared/brand.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { etagOf, noneMatchNames } from "../../shared/http/etag.ts";
import { rangeOf } from "../../shared/http/range.ts";
import { encodeJson, type JsonValue, jsonObject } from "../../shared/json.ts";
import type { ByteRange } from "../store/store.ts";

/** The time for which caches may keep a file. */
export type Lifetime = "immutable" | "moving";

/**
 * A moving file may be served for an hour longer while the edge fails: hosts check its expiry themselves, and an answer
 * that is a day old must not outlive an outage.
 */
const CACHE_CONTROL: Readonly<Record<Lifetime, string>> = {
  immutable: "public, max-age=31536000, immutable",
  moving: "public, max-age=60, stale-while-revalidate=300, stale-if-error=3600",
};

export interface ServedFile {
  readonly sha256: Sha256Hex;
  /** The length in bytes. */
  readonly length: number;
  readonly lifetime: Lifetime;
  readonly type: string;
}

type Body = Uint8Array | ReadableStream<Uint8Array>;

/**
 * The result of a request's conditions: an answer without content, which is ready, or the bytes that are to
 * be sent.
 */
export type ConditionResult =
  | { readonly kind: "answered"; readonly response: Response }
  /** Bytes have to be sent. @property range the range of bytes; undefined for the whole file. */
  | { readonly kind: "bytes"; readonly range: ByteRange | undefined };

/** Tells whether the answer can only be the whole file. */
export const wantsWholeFile = ({ method, headers }: Request): boolean =>
  method !== "HEAD" && !headers.has("If-None-Match") && !headers.has("Range");

/** Evaluates preconditions in the order of RFC 9110, 13.2.2: the tag first, then the range. */
export function checkConditions({ method, headers }: Request, file: ServedFile): ConditionResult {
  const header = (name: string) => headers.get(name) ?? undefined;
  const etag = etagOf(file.sha256);
  if (noneMatchNames(header("If-None-Match"), etag)) {
    return answered(notModified(file));
  }
  if (method === "HEAD") return answered(new Response(null, { headers: described(file, file.length) }));
  const range = rangeOf(header("Range"), header("If-Range"), etag, file.length);
  if (range.kind === "unsatisfiable") return answered(unsatisfiable(file));
  return { kind: "bytes", range: range.kind === "part" ? range : undefined };
}

/** Answers with bytes. @param body the whole file, or the range alone. */
export function answerBytes(file: ServedFile, range: ByteRange | undefined, body: Body): Response {
  const length = range ? range.end - range.start : file.length;
  const contentRange = range && { "Content-Range": `bytes ${range.start}-${range.end - 1}/${file.length}` };
  return new Response(sendable(body), {
    status: range ? 206 : 200,
    headers: { ...described(file, length), ...contentRange },
  });
}

/**
 * The number of bytes that are given to a response at once. The response copies them, and holds the copy
 * until all of it is sent.
 */
const PART_BYTES = 64 * 1024;

function sendable(body: Body): Uint8Array<ArrayBuffer> | ReadableStream {
  if (!(body instanceof Uint8Array) || body.length <= PART_BYTES) {
    return body as Uint8Array<ArrayBuffer> | ReadableStream;
  }
  let sent = 0;
  const pull = (out: ReadableStreamDefaultController<Uint8Array>) => {
    out.enqueue(body.subarray(sent, sent + PART_BYTES));
    sent += PART_BYTES;
    if (sent >= body.length) out.close();
  };
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}

/** Returns the answer to a client that has these very bytes. */
export const notModified = (file: Pick<ServedFile, "sha256" | "lifetime">): Response =>
  new Response(null, { status: 304, headers: validators(file) });

/** Answers with bytes in memory, as with a file. */
export async function answerContent(
  request: Request,
  content: Uint8Array,
  kind: Pick<ServedFile, "lifetime" | "type">,
  digests: Digests,
): Promise<Response> {
  const file = { sha256: await digests.sha256(content), length: content.length, ...kind };
  const want = checkConditions(request, file);
  if (want.kind === "answered") return want.response;
  const { range } = want;
  return answerBytes(file, range, range ? content.subarray(range.start, range.end) : content);
}

const answered = (response: Response): ConditionResult => ({ kind: "answered", response });

const unsatisfiable = (file: ServedFile): Response =>
  new Response(null, {
    status: 416,
    headers: { "Content-Range": `bytes */${file.length}`, "Cache-Control": "no-store", ...FOR_ALL },
  });

/** Files are public: a page of any origin may read them. */
const FOR_ALL = { "Access-Control-Allow-Origin": "*" };

const validators = (file: Pick<ServedFile, "sha256" | "lifetime">) => ({
  ETag: etagOf(file.sha256),
  "Cache-Control": CACHE_CONTROL[file.lifetime],
  ...FOR_ALL,
});

const described = (file: ServedFile, length: number) => ({
  ...validators(file),
  "Content-Type": file.type,
  "Content-Length": String(length),
  "Accept-Ranges": "bytes",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Access-Control-Expose-Headers": "ETag, Content-Range, Accept-Ranges",
});

/** Returns JSON that must not be cached: results and errors. */
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
      ...FOR_ALL,
      ...headers,
    },
  });
}
