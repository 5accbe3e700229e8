import { sha256Of } from "../../node/crypto.ts";
import type { Sha256Hex } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { type Instant, parseInstant } from "../../shared/time.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/**
 * One entry of the edge's audit log. Each entry names the digest of the one before, which makes them a chain.
 */
export interface AuditEntry {
  readonly number: number;
  readonly at: Instant;
  readonly publisher: string;
  readonly act: string;
  readonly kernel: string | null;
  readonly outcome: string;
  /** The digest of the entry's line, which the next entry names as `previous`. */
  readonly sha256: Sha256Hex;
  readonly all: JsonObject;
}

/**
 * The largest page that is accepted. The edge sends half a megabyte, and completes the segment that goes past
 * it.
 */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;
const EMPTY = new Uint8Array();

/**
 * Reads the whole audit log from its beginning. Each entry is checked to follow the one before, and only then
 * returned.
 *
 * @throws RebootlessError `trust`.
 */
export async function* auditEntries(edge: EdgeClient): AsyncGenerator<AuditEntry> {
  let number = 0;
  let previous: Sha256Hex | null = null;
  for (let path: string | undefined = "/audit"; path !== undefined; ) {
    const answer = await edge.send({ method: "GET", path, body: EMPTY }, MAX_PAGE_BYTES);
    if (answer.status !== 200) throw refusedByEdge(answer, "to show the audit log");
    path = nextOf(answer.header("link"));
    if (path !== undefined && answer.body.length === 0) {
      throw new RebootlessError(
        "trust",
        "the audit log does not end: a page has no entries but says that there are more",
      );
    }
    for (const line of linesOf(answer.body)) {
      const entry = await entryOf(line);
      number++;
      const named = entry.all.get("previous");
      if (entry.number !== number || named !== previous) {
        throw new RebootlessError(
          "trust",
          `the audit log was changed: entry ${number} does not follow the one before`,
        );
      }
      previous = entry.sha256;
      yield entry;
    }
  }
}

async function entryOf(line: Uint8Array): Promise<AuditEntry> {
  const entry = new Decoder(parseJson(line, "audit entry", MAX_SMALL_VALUES), "audit entry");
  return {
    number: entry.get("number").integer(1),
    at: entry.get("at").as(parseInstant),
    publisher: entry.get("publisher").string(),
    act: entry.get("act").string(),
    kernel: entry.get("kernel").nullable((kernel) => kernel.string()),
    outcome: entry.get("outcome").string(),
    sha256: sha256Of(line),
    all: entry.object(),
  };
}

function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) throw new RebootlessError("parse", "the audit log ends in the middle of a line");
    yield bytes.subarray(at, end);
    at = end + 1;
  }
}

/** Returns the path of the next page. Links to anything but the same log are ignored. */
const nextOf = (link: string | null): string | undefined =>
  /^<(\/audit\?after=\d{1,12})>; rel="next"$/.exec(link ?? "")?.[1];
