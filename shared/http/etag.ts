import type { Sha256Hex } from "../brand.ts";

/** A strong entity tag (RFC 9110, 8.8.3): the digest of the very bytes. */
export const etagOf = (sha256: Sha256Hex): string => `"${sha256}"`;

/** More than this is nobody's list of versions. */
const MAX_HEADER = 4096;
/** An entity tag or nothing, then a comma or the end. */
const ELEMENT = /[ \t]*(?:(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(,|$)/;

/**
 * Whether an If-None-Match header names the tag (RFC 9110, 13.1.2; weak comparison: a cache on the way that
 * compresses makes a tag weak). A header that is not well-formed names nothing: the whole file is the answer.
 */
export function noneMatchNames(header: string | undefined, etag: string): boolean {
  if (header === undefined || header.length > MAX_HEADER) return false;
  if (header.trim() === "*") return true;
  const tags = parseList(header);
  return tags?.includes(etag) ?? false;
}

/** The opaque tags of a list, or undefined if it is not one. Empty elements are allowed (RFC 9110, 5.6.1.2). */
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
