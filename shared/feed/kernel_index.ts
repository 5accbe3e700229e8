import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../brand.ts";
import { Decoder } from "../decode.ts";
import { encodeJson, type JsonValue, jsonObject, parseJson } from "../json.ts";
import { formatInstant, type Instant, instant, parseInstant } from "../time.ts";
import { MAX_LISTED } from "./list_walk.ts";
import type { Listed } from "./listing.ts";
import type { KernelManifest } from "./manifest.ts";
import type { TrustedMetadata } from "./verified_feed.ts";

/** A mirror's line about a kernel: enough to know, without opening its files, whether it needs an update. */
export interface IndexLine extends Listed {
  /** The version of the timestamp that the feed's own key signed. */
  readonly timestamp: number;
  /** The time at which the first of timestamp and snapshot expires. */
  readonly expires: Instant;
  /** The version of the root under which it was verified. */
  readonly root: number;
  /** The digest of feed.json. */
  readonly sha256: Sha256Hex;
}

export type Index = Map<BuildId, IndexLine>;

/** The path of the index. It lies beside the kernels, so that a mirror of this mirror finds it on any web server. */
export const INDEX_PATH = "kernels/index.json";
/** The number of JSON values for one kernel: a line and its cells. */
const VALUES_OF_KERNEL = 9;
export const MAX_INDEX_BYTES = 64 * 1024 * 1024;

/** Makes the line of a kernel whose feed.json verified. @param sha256 the digest of feed.json. */
export function indexLine(
  { kernel }: KernelManifest,
  trusted: TrustedMetadata,
  sha256: Sha256Hex,
): IndexLine {
  const { timestamp, snapshot, targets, root } = trusted;
  return {
    buildId: kernel.buildId,
    release: kernel.release,
    distribution: kernel.distribution ?? null,
    version: targets.version,
    timestamp: timestamp.version,
    expires: instant(Math.min(timestamp.expires, snapshot.expires)),
    root: root.version,
    sha256,
  };
}

/** Encodes an index, sorted by build ID, so that equal mirrors have equal bytes. */
export function encodeIndex(index: Index): Uint8Array {
  const lines = [...index.values()].sort((a, b) => (a.buildId < b.buildId ? -1 : 1));
  return encodeJson(jsonObject({ format: 1, kernels: lines.map(lineToJson) }));
}

const lineToJson = (line: IndexLine): JsonValue => [
  line.buildId,
  line.release,
  line.distribution,
  line.version,
  line.timestamp,
  formatInstant(line.expires),
  line.root,
  line.sha256,
];

/**
 * Decodes an index, whose bytes the caller has bounded (MAX_INDEX_BYTES).
 * @param max the largest number of kernels.
 * @throws ParseError
 */
export function decodeIndex(bytes: Uint8Array, max = MAX_LISTED): Index {
  const index = new Decoder(parseJson(bytes, INDEX_PATH, VALUES_OF_KERNEL * max + 16), INDEX_PATH);
  index.get("format").literal(1);
  const lines = index.get("kernels").array(max).map(decodeLine);
  return new Map(lines.map((line) => [line.buildId, line]));
}

function decodeLine(line: Decoder): IndexLine {
  const cells = line.array(16);
  const cell = (at: number): Decoder => cells[at] ?? line.fail("a line that is cut short");
  return {
    buildId: cell(0).as(buildId),
    release: cell(1).string(),
    distribution: cell(2).nullable((text) => text.string()),
    version: cell(3).integer(1),
    timestamp: cell(4).integer(1),
    expires: cell(5).as(parseInstant),
    root: cell(6).integer(1),
    sha256: cell(7).as(sha256Hex),
  };
}
