import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { GatheredBytes } from "../../shared/gathered_bytes.ts";

/**
 * A request's body, counted while it arrives: what Content-Length says is a claim.
 *
 * @param max bytes; throws `limit` as soon as there are more, leaving the rest unread, and `parse` when it is cut off.
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

/** A sender that goes away is no fault of the edge. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new ParseError("the body was cut off", { cause });
  }
}
