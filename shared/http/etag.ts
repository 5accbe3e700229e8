import type { Sha256Hex } from "../brand.ts";

/** Writes a strong entity tag (RFC 9110, 8.8.3): the digest of exactly these bytes. */
export const etagOf = (sha256: Sha256Hex): string => `"${sha256}"`;

/** The longest header that is read. No real list of versions is longer. */
const MAX_HEADER = 4096;
/** Matches an entity tag or nothing, followed by a comma or the end. */
const ELEMENT = /[ \t]*(?:(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(,|$)/;

/**
 * Tells whether an If-None-Match header names the tag (RFC 9110, 13.1.2). The comparison is weak, because a
 * cache on the way that compresses makes a tag weak. A malformed header names nothing, so that the answer is
 * the whole file.
 */
export function noneMatchNames(header: string | undefined, etag: string): boolean {
  if (header === undefined || header.length > MAX_HEADER) return false;
  if (header.trim() === "*") return true;
  const tags = parseList(header);
  return tags?.includes(etag) ?? false;
}

/**
 * Returns the opaque tags of a list, or undefined if the header is not a list. Empty elements are allowed
 * (RFC 9110, 5.6.1.2).
 */
function parseList(header: string): string[] | undefined {
  const element = new RegExp(ELEMENT, "y");
  const tags: string[] = [];
  for (;;) {
    const found = element.exec(header);
    if (!found) return undefined;
    if (found[1] !== undefined) tags.push(found[1]);
    if (found[2] === "") return tags;
  }
}
