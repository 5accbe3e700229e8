import type { Sha256Hex } from "../../shared/brand.ts";
import { concatBytes, utf8 } from "../../shared/bytes.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import type { Clock } from "../../shared/time.ts";
import { Mutex } from "../keyed_mutex.ts";
import { auditKey } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { type AuditEvent, auditLine } from "./event.ts";

/** The record of who published what. */
export interface AuditLog {
  /**
   * Stores events. The actions that they announce must not begin before this resolves.
   * @throws RebootlessError `io`.
   */
  append(events: readonly AuditEvent[]): Promise<void>;
}

/**
 * The number of entries after which further requests go into the next segment. An entry has about 500 bytes.
 */
const MAX_BATCH = 256;
/**
 * The number of times that a segment is tried. The only other writer can be an old object that Cloudflare is
 * about to end.
 */
const MAX_ATTEMPTS = 8;
const NEWLINE = utf8("\n");

interface End {
  /** The number of the last segment; 0 before the first. */
  readonly segment: number;
  /** The number of the last entry. */
  readonly entry: number;
  /** The digest of the last line. */
  readonly digest: Sha256Hex | null;
}

interface Batch {
  readonly events: AuditEvent[];
  readonly written: Promise<void>;
}

/**
 * The log, stored as segments under `audit/<number>`, numbered without gaps. A segment is lines of JSON, each
 * with the digest of the one before. It is created and never written again. Events that arrive while one is
 * written go into the next one together, so that many publishes at once cost a few writes.
 */
export class StoredAuditLog implements AuditLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #digests: Digests;
  readonly #mutex = new Mutex();
  #open: Batch | undefined;
  /**
   * The end of the log; undefined while it is unknown, as after a write that may or may not have succeeded.
   */
  #end: End | undefined;

  constructor(store: Store, clock: Clock, digests: Digests) {
    this.#store = store;
    this.#clock = clock;
    this.#digests = digests;
  }

  append(events: readonly AuditEvent[]): Promise<void> {
    const open = this.#open;
    const batch = open && open.events.length < MAX_BATCH ? open : this.#newBatch();
    batch.events.push(...events);
    return batch.written;
  }

  #newBatch(): Batch {
    const events: AuditEvent[] = [];
    const written = this.#mutex.run(async () => {
      if (this.#open === batch) this.#open = undefined;
      await this.#write(events);
    });
    const batch = { events, written };
    this.#open = batch;
    return batch;
  }

  async #write(events: readonly AuditEvent[]): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const end = this.#end ?? (await findEnd(this.#store, this.#digests));
      this.#end = undefined;
      const { bytes, digest } = await segmentOf(events, end, this.#clock, this.#digests);
      const segment = end.segment + 1;
      if ((await this.#store.create(auditKey(segment), bytes)) === "exists") continue;
      this.#end = { segment, entry: end.entry + events.length, digest };
      return;
    }
    throw new RebootlessError("io", "another process writes the audit log");
  }
}

async function segmentOf(
  events: readonly AuditEvent[],
  { entry, digest: last }: End,
  clock: Clock,
  digests: Digests,
) {
  const at = clock();
  let digest = last;
  const parts: Uint8Array[] = [];
  for (const [i, event] of events.entries()) {
    const line = encodeJson(auditLine({ number: entry + 1 + i, previous: digest, at }, event));
    digest = await digests.sha256(line);
    parts.push(line, NEWLINE);
  }
  return { bytes: concatBytes(parts), digest };
}

/** Finds the end of the log. Segments have no gaps, so doubling and halving finds the last of a million in 40 look-ups. */
async function findEnd(store: Store, digests: Digests): Promise<End> {
  const exists = async (segment: number) => (await store.head(auditKey(segment))) !== undefined;
  let high = 1;
  while (await exists(high)) high *= 2;
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await exists(middle)) low = middle;
    else high = middle;
  }
  const file = low === 0 ? undefined : await store.get(auditKey(low));
  if (!file) return { segment: low, entry: 0, digest: null };
  const line = lastLine(await file.bytes());
  const entry = new Decoder(parseJson(line, "audit entry", MAX_SMALL_VALUES), "audit entry")
    .get("number")
    .integer(1);
  return { segment: low, entry, digest: await digests.sha256(line) };
}

function lastLine(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 1;
  return bytes.subarray(bytes.lastIndexOf(NEWLINE[0] as number, end - 1) + 1, end);
}

/** The size of a page, in bytes, after which no further segment is added to it. */
const MAX_PAGE = 512 * 1024;
const MAX_SEGMENTS = 64;

export interface AuditPage {
  /** The lines, each with its newline, as they are stored. */
  readonly bytes: Uint8Array;
  /** The number of the last segment of the page, if there may be more after it; otherwise undefined. */
  readonly next: number | undefined;
}

/** Reads a page of the log. @param after the number of a segment; 0 for the beginning. */
export async function readAudit(store: Store, after: number): Promise<AuditPage> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let segment = after + 1; ; segment++) {
    if (length >= MAX_PAGE || parts.length >= MAX_SEGMENTS) {
      return { bytes: concatBytes(parts), next: segment - 1 };
    }
    const file = await store.get(auditKey(segment));
    if (!file) return { bytes: concatBytes(parts), next: undefined };
    const bytes = await file.bytes();
    parts.push(bytes);
    length += bytes.length;
  }
}
