import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { GatheredBytes } from "../../shared/gathered_bytes.ts";

/**
 * Reads a request's body, and counts its bytes while they arrive, because Content-Length may be wrong.
 *
 * @param max the largest length in bytes.
 * @throws RebootlessError `limit` as soon as there are more bytes, with the rest left unread; `parse` if the
 * body is cut off.
 */
export async function readBody(request: Request, max: number): Promise<Uint8Array> {
  const reader = request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  if (!reader) return new Uint8Array();
  const body = new GatheredBytes(max);
  for (let part = await next(reader); !part.done; part = await next(reader)) {
    if (body.add(part.value)) continue;
    await reader.cancel();
    throw new RebootlessError("limit", `the body has more than the ${max} bytes allowed here`);
  }
  return body.bytes();
}

/** Reads the next part. A sender that disconnects is not an error of the edge. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new ParseError("the body was cut off", { cause });
  }
}
