import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../brand.ts";
import { concatBytes } from "../bytes.ts";
import { Decoder } from "../decode.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { encodeJson, jsonObject, parseJson } from "../json.ts";
import { MAX_BUNDLE_BYTES, MAX_SMALL_VALUES } from "../limits.ts";
import { decodePublication, encodePublication, type Publication } from "./publication.ts";

/**
 * The requests and answers between the edge and a publisher of many kernels. Bodies of many files are JSON
 * Lines: one document on each line, which works because encodeJson never writes a line feed.
 *
 *     POST publications            publications, a line each     {"results": […]} in any order
 *     POST publications/dry-run    the same                      the same, and nothing is written
 *     POST feeds                   {"build_ids": […]}            feed.json files, then {"absent", "left_off"}
 *     POST staging                 {"sha256": […]}               {"missing": […]}
 */
export const PUBLICATIONS_PATH = "publications";
export const DRY_RUN_PATH = "publications/dry-run";
export const FEEDS_PATH = "feeds";
export const STAGING_PATH = "staging";

/**
 * The largest number of kernels or digests in one request. A Worker or a Durable Object may make 1000
 * requests of its own to serve one request, and a kernel with a new module takes about ten requests to the
 * store.
 */
export const MAX_BATCH = 64;
/**
 * The longest body of a batch. Senders fill about 4 MB, and the last publication may be one of the largest. A
 * Worker has 128 MB of memory.
 */
export const MAX_BATCH_BYTES = 2 * MAX_BUNDLE_BYTES;
/** The length up to which feeds are put into one answer, in bytes. A single longer feed is sent alone. */
export const FEEDS_BYTES = 8 * 1024 * 1024;
export const MAX_FEEDS_ANSWER_BYTES = FEEDS_BYTES + MAX_BUNDLE_BYTES;
/** The longest body with a list of build IDs or digests. */
export const MAX_QUESTION_BYTES = 32 * 1024;

const LINE_FEED = 0x0a;

export const encodeBatch = (publications: readonly Publication[]): Uint8Array =>
  joinLines(publications.map(encodePublication));

/** Decodes a batch, which may name each kernel once. @throws RebootlessError `parse`, `limit`. */
export function decodeBatch(bytes: Uint8Array): readonly Publication[] {
  const lines = splitLines(bytes);
  if (lines.length > MAX_BATCH) tooMany("publications", lines.length);
  const publications = lines.map((line, i) => decodeLine(line, i));
  const first = new Map<BuildId, number>();
  for (const [i, { buildId: id }] of publications.entries()) {
    const before = first.get(id);
    if (before !== undefined)
      throw new ParseError(`lines ${before + 1} and ${i + 1} are both for kernel ${id}`);
    first.set(id, i);
  }
  return publications;
}

function decodeLine(line: Uint8Array, i: number): Publication {
  try {
    return decodePublication(line);
  } catch (cause) {
    throw new ParseError(`line ${i + 1}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** Encodes a question. @param name the name of its one member, a list. */
export const encodeQuestion = (name: "build_ids" | "sha256", list: readonly string[]): Uint8Array =>
  encodeJson(jsonObject({ [name]: list }));

/** Decodes the build IDs of a question, without repetitions. @throws RebootlessError `parse`. */
export const decodeBuildIds = (bytes: Uint8Array): readonly BuildId[] => asked(bytes, "build_ids", buildId);
export const decodeDigests = (bytes: Uint8Array): readonly Sha256Hex[] => asked(bytes, "sha256", sha256Hex);

function asked<T>(bytes: Uint8Array, name: string, read: (text: string) => T): readonly T[] {
  const list = new Decoder(parseJson(bytes, "question", MAX_SMALL_VALUES), "question")
    .get(name)
    .array(MAX_BATCH);
  return [...new Set(list.map((item) => item.as(read)))];
}

/** The answer to `POST feeds`. */
export interface Feeds {
  /** The feed.json files, as stored. */
  readonly feeds: readonly Uint8Array[];
  readonly absent: readonly BuildId[];
  /** The kernels that did not fit into this answer, to be requested again. */
  readonly leftOff: readonly BuildId[];
}

export const encodeFeeds = ({ feeds, absent, leftOff }: Feeds): Uint8Array =>
  joinLines([...feeds, encodeJson(jsonObject({ absent, left_off: leftOff }))]);

/**
 * Decodes an answer to `POST feeds`.
 * @throws RebootlessError `parse`, also if the end of the answer is missing.
 */
export function decodeFeeds(bytes: Uint8Array): Feeds {
  const lines = splitLines(bytes);
  const end = new Decoder(parseJson(lines.at(-1) ?? bytes, "end of feeds", MAX_SMALL_VALUES), "end of feeds");
  const ids = (name: string) =>
    end
      .get(name)
      .array(MAX_BATCH)
      .map((id) => id.as(buildId));
  return { feeds: lines.slice(0, -1), absent: ids("absent"), leftOff: ids("left_off") };
}

function joinLines(lines: readonly Uint8Array[]): Uint8Array {
  return concatBytes(lines.flatMap((line) => [line, Uint8Array.of(LINE_FEED)]));
}

/** Splits bytes into lines. The last line may end without a line feed. */
function splitLines(bytes: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found < 0 ? bytes.length : found;
    if (lines.length > MAX_BATCH) tooMany("lines", lines.length);
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

function tooMany(what: string, count: number): never {
  throw new RebootlessError("limit", `${count} ${what}, ${MAX_BATCH} are allowed in one request`);
}
