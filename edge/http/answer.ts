import type { Sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { etagOf, noneMatchNames } from "../../shared/http/etag.ts";
import { rangeOf } from "../../shared/http/range.ts";
import { encodeJson, type JsonValue, jsonObject } from "../../shared/json.ts";
import type { ByteRange } from "../store/store.ts";

/** How long a file may be kept by caches on the way. */
export type Lifetime = "immutable" | "moving";

/**
 * What moves may be shown for an hour longer while the edge fails: hosts judge expiry themselves, and a day-old
 * answer must not outlive an outage.
 */
const CACHE_CONTROL: Readonly<Record<Lifetime, string>> = {
  immutable: "public, max-age=31536000, immutable",
  moving: "public, max-age=60, stale-while-revalidate=300, stale-if-error=3600",
};

export interface File {
  readonly sha256: Sha256Hex;
  /** Bytes. */
  readonly length: number;
  readonly lifetime: Lifetime;
  readonly type: string;
}

type Body = Uint8Array | ReadableStream<Uint8Array>;

/** What a request wants of a file: headers alone, nothing at all, or bytes. */
export type Wanted =
  | { readonly kind: "answered"; readonly response: Response }
  /** @property range undefined for the whole file. */
  | { readonly kind: "bytes"; readonly range: ByteRange | undefined };

/** Whether the answer can be nothing but the whole file. */
export const wantsWhole = ({ method, headers }: Request): boolean =>
  method !== "HEAD" && !headers.has("If-None-Match") && !headers.has("Range");

/** Preconditions in the order of RFC 9110, 13.2.2: first the tag, then the range. */
export function wanted({ method, headers }: Request, file: File): Wanted {
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

/** @param body of the whole file, or of the range alone. */
export function answerBytes(file: File, range: ByteRange | undefined, body: Body): Response {
  const length = range ? range.end - range.start : file.length;
  const place = range && { "Content-Range": `bytes ${range.start}-${range.end - 1}/${file.length}` };
  return new Response(sendable(body), {
    status: range ? 206 : 200,
    headers: { ...described(file, length), ...place },
  });
}

/** A response copies bytes that it is given, and holds its copy until the last of them is sent: large ones go in parts. */
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

/** To who has these very bytes. */
export const notModified = (file: Pick<File, "sha256" | "lifetime">): Response =>
  new Response(null, { status: 304, headers: validators(file) });

/** Bytes at hand, as a file. */
export async function answerContent(
  request: Request,
  content: Uint8Array,
  kind: Pick<File, "lifetime" | "type">,
): Promise<Response> {
  const file = { sha256: await sha256Of(content), length: content.length, ...kind };
  const want = wanted(request, file);
  if (want.kind === "answered") return want.response;
  const { range } = want;
  return answerBytes(file, range, range ? content.subarray(range.start, range.end) : content);
}

const answered = (response: Response): Wanted => ({ kind: "answered", response });

const unsatisfiable = (file: File): Response =>
  new Response(null, {
    status: 416,
    headers: { "Content-Range": `bytes */${file.length}`, "Cache-Control": "no-store", ...FOR_ALL },
  });

/** Files are public: any page may read them, none may take them for something else. */
const FOR_ALL = { "Access-Control-Allow-Origin": "*" };

const validators = (file: Pick<File, "sha256" | "lifetime">) => ({
  ETag: etagOf(file.sha256),
  "Cache-Control": CACHE_CONTROL[file.lifetime],
  ...FOR_ALL,
});

const described = (file: File, length: number) => ({
  ...validators(file),
  "Content-Type": file.type,
  "Content-Length": String(length),
  "Accept-Ranges": "bytes",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Access-Control-Expose-Headers": "ETag, Content-Range, Accept-Ranges",
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
      ...FOR_ALL,
      ...headers,
    },
  });
}
