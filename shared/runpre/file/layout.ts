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

/** The start of the head. The length of each part follows, in the order of the file. */
const HEAD = struct(12, { magic: bytes(0, 8), version: u32(8) });
const MAGIC = utf8("RBLFPRT\n");
/**
 * The versions. A reader refuses a version that it does not know.
 *
 * - The first has a digest for each function, and no runs.
 * - The second also has what kernels since 6.16 need: sites of kind `runtime_mask`, and landmarks that readers of the
 *   first would pass over.
 * - The third has each digest once, and digests of runs. It is the one that is written.
 */
const FILE_VERSIONS = [1, 2, 3] as const;
export type FileVersion = (typeof FILE_VERSIONS)[number];
export const FILE_VERSION = 3 satisfies FileVersion;
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
  "runs",
] as const;
type PartName = (typeof PARTS)[number];
export type Parts = Readonly<Record<PartName, Uint8Array>>;

/** Returns the parts that files of a version have. */
const partsOf = (version: FileVersion): readonly PartName[] =>
  version === FILE_VERSION ? PARTS : PARTS.filter((name) => name !== "runs");

export const isFingerprintFile = (file: Uint8Array): boolean =>
  equalBytes(file.subarray(0, MAGIC.length), MAGIC);

export function joinParts(parts: Parts, version: FileVersion = FILE_VERSION): Uint8Array {
  const contents = partsOf(version).map((name) => parts[name]);
  const lengths = contents.map(({ length }) => LENGTH.encode({ length }));
  return concatBytes([HEAD.encode({ magic: MAGIC, version }), ...lengths, ...contents]);
}

const LENGTH = struct(4, { length: u32(0) });

/** A fingerprint file in parts, which are views of it. */
export interface SplitFile {
  readonly version: FileVersion;
  readonly parts: Parts;
}

/**
 * Splits a file. A part that its version does not have is empty.
 * @throws ParseError
 * @throws RebootlessError `limit`
 * @throws RebootlessError `unsupported` for another version.
 */
export function splitParts(file: Uint8Array): SplitFile {
  if (!isFingerprintFile(file)) throw new ParseError("not a fingerprint file: it begins with other bytes");
  if (file.length > MAX_FILE_BYTES) {
    throw new RebootlessError(
      "limit",
      `a fingerprint file of ${file.length} bytes, at most ${MAX_FILE_BYTES}`,
    );
  }
  const version = requireVersion(HEAD.view(file, "fingerprint file")("version"));
  const names = partsOf(version);
  const reader = new ByteReader(file, "fingerprint file", HEAD.size);
  const lengths = names.map(() => reader.u32());
  const headerBytes = lengths[0] ?? 0;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new RebootlessError("limit", `a header of ${headerBytes} bytes, at most ${MAX_HEADER_BYTES}`);
  }
  const parts = names.map((name, i) => [name, reader.take(lengths[i] ?? 0)] as const);
  if (reader.remaining > 0)
    throw new ParseError(`fingerprint file: ${counted(reader.remaining, "byte")} after its end`);
  return { version, parts: { runs: new Uint8Array(), ...Object.fromEntries(parts) } as Parts };
}

function requireVersion(version: number): FileVersion {
  const known = FILE_VERSIONS.find((one) => one === version);
  if (known !== undefined) return known;
  throw new RebootlessError(
    "unsupported",
    `a fingerprint file of version ${version}, at most ${FILE_VERSION}`,
    { hint: "It was made by a newer rebootless-publish: update this host's rebootless." },
  );
}
