import { concatBytes } from "../../shared/bytes.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";

/**
 * A request's body, counted while it arrives: what Content-Length says is a claim.
 *
 * @param max bytes; throws `limit` as soon as there are more, leaving the rest unread, and `parse` when it is cut off.
 */
export async function readBody(request: Request, max: number): Promise<Uint8Array> {
  const reader = request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  if (!reader) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let part = await next(reader); !part.done; part = await next(reader)) {
    length += part.value.length;
    if (length > max) {
      await reader.cancel();
      throw new RebootlessError("limit", `the body has more than the ${max} bytes allowed here`);
    }
    parts.push(part.value);
  }
  return concatBytes(parts);
}

/** A sender that goes away is no fault of the edge. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new ParseError("the body was cut off", { cause });
  }
}
