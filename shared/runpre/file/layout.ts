import { ByteReader } from "../../byte_reader.ts";
import { concatBytes, equalBytes, utf8 } from "../../bytes.ts";
import { counted } from "../../counted.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import { MAX_ARTIFACT_BYTES } from "../../limits.ts";

/*
 * A fingerprint file (docs/fingerprint-file.md):
 *
 *     8 bytes  "RBLFPRT" and a line feed
 *     u32      version
 *     u32 x 8  length of each part
 *     the parts, one after the other, to the end of the file
 *
 * Each part holds one kind of thing for all functions: so it compresses well, and a reader decodes only the functions
 * that it wants.
 */

const MAGIC = utf8("RBLFPRT\n");
/** Raised when something changes its meaning: a reader refuses what it does not know. */
export const FILE_VERSION = 1;
/** Fingerprint files travel as artifacts of the feed. */
export const MAX_FILE_BYTES = MAX_ARTIFACT_BYTES;
/** One to two KB; the pages that ITS wants are most of it. */
export const MAX_HEADER_BYTES = 1024 * 1024;

/** In the order of the file. */
const PARTS = [
  "header",
  "variables",
  "alternatives",
  "index",
  "names",
  "digests",
  "locators",
  "sites",
] as const;
export type Parts = Readonly<Record<(typeof PARTS)[number], Uint8Array>>;

export const isFingerprintFile = (bytes: Uint8Array): boolean =>
  equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);

export function joinParts(parts: Parts): Uint8Array {
  const head = new DataView(new ArrayBuffer(4 * (1 + PARTS.length)));
  head.setUint32(0, FILE_VERSION, true);
  PARTS.forEach((name, i) => {
    head.setUint32(4 * (1 + i), parts[name].length, true);
  });
  return concatBytes([MAGIC, new Uint8Array(head.buffer), ...PARTS.map((name) => parts[name])]);
}

/** Views of the file. @throws ParseError; RebootlessError `limit`, `unsupported` for another version. */
export function splitParts(bytes: Uint8Array): Parts {
  if (!isFingerprintFile(bytes)) throw new ParseError("not a fingerprint file: its first bytes say so");
  if (bytes.length > MAX_FILE_BYTES) {
    throw new RebootlessError(
      "limit",
      `a fingerprint file of ${bytes.length} bytes, at most ${MAX_FILE_BYTES}`,
    );
  }
  const reader = new ByteReader(bytes, "fingerprint file", MAGIC.length);
  const version = reader.u32();
  if (version !== FILE_VERSION) {
    throw new RebootlessError(
      "unsupported",
      `a fingerprint file of version ${version}, not ${FILE_VERSION}`,
      {
        hint: "It was made by a newer rebootless-publish: update this host's rebootless.",
      },
    );
  }
  const lengths = PARTS.map(() => reader.u32());
  const [headerBytes = 0] = lengths;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RebootlessError("limit", `a header of ${headerBytes} bytes, at most ${MAX_HEADER_BYTES}`);
  }
  const parts = PARTS.map((name, i) => [name, reader.take(lengths[i] ?? 0)] as const);
  if (reader.remaining > 0)
    throw new ParseError(`fingerprint file: ${counted(reader.remaining, "byte")} after its end`);
  return Object.fromEntries(parts) as Parts;
}
