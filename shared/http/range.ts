/** The bytes [start, end) of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export type Ranged = { readonly kind: "whole" } | { readonly kind: "unsatisfiable" } | PartWanted;
export interface PartWanted extends ByteRange {
  readonly kind: "part";
}

const WHOLE: Ranged = { kind: "whole" };
/** Matches a single range. The number of digits is bounded so that they are exact as numbers. */
const ONE_RANGE = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i;

/**
 * Returns the part of a file that a Range header asks for (RFC 9110, 14.1.2 and 14.2). A header that is
 * malformed, in another unit or of several ranges is ignored, as the RFC allows: the whole file is a correct
 * answer to all of them.
 *
 * @param ifRange the If-Range header. A part is only useful to a client that has the rest of the same bytes
 * (13.1.5: strong comparison; a date never matches, because files have no dates here).
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
  if (last !== "" && Number(last) < start) return WHOLE; // 14.1.1: the range is invalid and therefore ignored
  return start < length ? { kind: "part", start, end } : { kind: "unsatisfiable" };
}

function lastBytes(count: number, length: number): Ranged {
  if (count === 0 || length === 0) return { kind: "unsatisfiable" };
  return { kind: "part", start: Math.max(0, length - count), end: length };
}
