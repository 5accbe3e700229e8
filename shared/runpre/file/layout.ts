import { ByteReader } from "../../byte_reader.ts";
import { concatBytes, equalBytes, utf8 } from "../../bytes.ts";
import { counted } from "../../counted.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import { MAX_ARTIFACT_BYTES } from "../../limits.ts";
import { bytes, struct, u32 } from "../../struct.ts";

/*
 * A fingerprint file (docs/fingerprint-file.md) has a head, followed by its parts, one after the other, to
 * the end of the file. Each part holds one kind of data for all functions. That compresses well, and a reader
 * decodes only the functions that it wants.
 */

/** The head: the length of each part, in the order of the file. */
const HEAD = struct(44, {
  magic: bytes(0, 8),
  version: u32(8),
  header: u32(12),
  variables: u32(16),
  alternatives: u32(20),
  index: u32(24),
  names: u32(28),
  digests: u32(32),
  locators: u32(36),
  sites: u32(40),
});
const MAGIC = utf8("RBLFPRT\n");
/**
 * The versions. A reader refuses a version that it does not know. The second one has what kernels since 6.16 need: sites
 * of kind `runtime_mask`, and landmarks that the first one does not have. It is only written where that is needed.
 */
export const FILE_VERSIONS = [1, 2] as const;
export type FileVersion = (typeof FILE_VERSIONS)[number];
/** The largest file. Fingerprint files are artifacts of the feed. */
export const MAX_FILE_BYTES = MAX_ARTIFACT_BYTES;
/** The largest header. Usual ones have one to two KB, most of it the pages for ITS. */
export const MAX_HEADER_BYTES = 1024 * 1024;

/** The parts, in the order of the file. */
const PARTS = [
  "header",
  "variables",
  "alternatives",
  "index",
  "names",
  "digests",
  "locators",
  "sites",
] as const satisfies readonly (keyof typeof HEAD.fields)[];
export type Parts = Readonly<Record<(typeof PARTS)[number], Uint8Array>>;

export const isFingerprintFile = (file: Uint8Array): boolean =>
  equalBytes(file.subarray(0, MAGIC.length), MAGIC);

export function joinParts(parts: Parts, version: FileVersion): Uint8Array {
  const lengths = Object.fromEntries(PARTS.map((name) => [name, parts[name].length]));
  const head = HEAD.encode({ ...lengths, magic: MAGIC, version });
  return concatBytes([head, ...PARTS.map((name) => parts[name])]);
}

/**
 * Returns the parts as views of the file.
 * @throws ParseError
 * @throws RebootlessError `limit`
 * @throws RebootlessError `unsupported` for another version.
 */
export function splitParts(file: Uint8Array): Parts {
  if (!isFingerprintFile(file)) throw new ParseError("not a fingerprint file: it begins with other bytes");
  if (file.length > MAX_FILE_BYTES) {
    throw new RebootlessError(
      "limit",
      `a fingerprint file of ${file.length} bytes, at most ${MAX_FILE_BYTES}`,
    );
  }
  const head = HEAD.view(file, "fingerprint file");
  const version = head("version");
  if (!FILE_VERSIONS.some((known) => known === version)) {
    throw new RebootlessError(
      "unsupported",
      `a fingerprint file of version ${version}, not ${FILE_VERSIONS.join(" or ")}`,
      {
        hint: "It was made by a newer rebootless-publish: update this host's rebootless.",
      },
    );
  }
  const headerBytes = head("header");
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RebootlessError("limit", `a header of ${headerBytes} bytes, at most ${MAX_HEADER_BYTES}`);
  }
  const reader = new ByteReader(file, "fingerprint file", HEAD.size);
  const parts = PARTS.map((name) => [name, reader.take(head(name))] as const);
  if (reader.remaining > 0)
    throw new ParseError(`fingerprint file: ${counted(reader.remaining, "byte")} after its end`);
  return Object.fromEntries(parts) as Parts;
}
