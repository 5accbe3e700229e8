/** Bytes [start, end) of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export type Ranged = { readonly kind: "whole" } | { readonly kind: "unsatisfiable" } | PartWanted;
export interface PartWanted extends ByteRange {
  readonly kind: "part";
}

const WHOLE: Ranged = { kind: "whole" };
/** One range; digits bounded so that they are exact as numbers. */
const ONE_RANGE = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i;

/**
 * What a Range header asks of a file (RFC 9110, 14.1.2 and 14.2). A header that is malformed, of another unit or of
 * several ranges is ignored, as the RFC lets a server do: the whole file is a right answer to all of them.
 *
 * @param ifRange the If-Range header: a part is only of use to who has the rest of the same bytes (13.1.5: strong
 * comparison; a date never matches, as files have none here).
 */
export function rangeOf(
  header: string | undefined,
  ifRange: string | undefined,
  etag: string,
  length: number,
): Ranged {
  if (header === undefined || (ifRange !== undefined && ifRange.trim() !== etag)) return WHOLE;
  const found = ONE_RANGE.exec(header);
  const [first = "", last = ""] = found?.slice(1) ?? [];
  if (first === "" && last === "") return WHOLE;
  if (first === "") return lastBytes(Number(last), length);
  const start = Number(first);
  const end = last === "" ? length : Math.min(Number(last) + 1, length);
  if (last !== "" && Number(last) < start) return WHOLE; // 14.1.1: invalid, so ignored
  return start < length ? { kind: "part", start, end } : { kind: "unsatisfiable" };
}

function lastBytes(count: number, length: number): Ranged {
  if (count === 0 || length === 0) return { kind: "unsatisfiable" };
  return { kind: "part", start: Math.max(0, length - count), end: length };
}
