import { setTimeout as sleep } from "node:timers/promises";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { DRY_RUN_PATH, encodeBatch, MAX_BATCH, PUBLICATIONS_PATH } from "../../shared/feed/batch.ts";
import type { Bundle } from "../../shared/feed/bundle.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import { inParallel } from "../../shared/parallel.ts";
import { DAY, type Instant, instant, SECOND } from "../../shared/time.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import type { SigningKey } from "../keys/key_file.ts";
import { sign } from "../keys/sign.ts";
import { unverifiedState, verifiedState } from "./current.ts";
import { refusal } from "./edge_client.ts";
import { FeedRoots } from "./feed_roots.ts";
import { onTopOf, type ProposalOptions, type Proposed, TARGETS_LIFE_MS } from "./proposal.ts";
import { decodeResults, type EdgeResult, MAX_RESULTS_BYTES } from "./results.ts";
import { type Artifacts, Staging } from "./staging.ts";
import { fetchStates } from "./states.ts";
import { newestRoot, roleKeys } from "./workspace.ts";

/** A draft that is read when its turn comes: thousands do not fit in memory. */
export interface DraftSource {
  readonly buildId: BuildId;
  /** Bytes, about. */
  readonly size: number;
  readonly read: () => Promise<KernelManifest>;
}

export interface PushOptions extends ProposalOptions {
  readonly artifacts: Artifacts;
  /** The edge judges and writes nothing; nothing is staged. */
  readonly dryRun: boolean;
  /**
   * For many kernels: leaves out those whose state holds the draft already, so that the push may be run again, and sends
   * again what nobody answered.
   */
  readonly resume: boolean;
  /** Asked before every signature; throws to prevent it. */
  readonly consent?: ((proposed: Proposed) => Promise<void>) | undefined;
  readonly onResult?: (result: PushResult) => void;
}

/** What became of one kernel's draft. */
export interface PushResult {
  readonly buildId: BuildId;
  readonly outcome: EdgeResult["outcome"] | "unchanged";
  /** In force now, or with `acceptable` what it would be. */
  readonly version: number;
  /** With `conflict`, `refused` and `failed`. */
  readonly error: RebootlessError | undefined;
  /** With `acceptable`: files that would have to be sent. */
  readonly missing: readonly Sha256Hex[];
  readonly attempts: number;
  /** What was to be published, where it came so far. */
  readonly proposed: Proposed | undefined;
}

/** What was sent. */
export interface Sent {
  /** Bodies of publications and files. */
  readonly bytes: number;
  /** With publications. */
  readonly requests: number;
  /** Modules and fingerprints. */
  readonly files: number;
}

/** With twenty publishers at one kernel the last one wins its twentieth race; this is twice that and more. */
const MAX_ATTEMPTS = 50;
const MAX_PAUSE_MS = 250;
/** Of one request, unless a single publication is longer: a proxy in between takes so much, and a Worker easily. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** Requests under way at a time: while the edge works on some, the next are signed. */
const REQUESTS = 3;
/** Times that a request is sent when nobody answers. */
const MAX_SENDS = 6;
/** Before the second of them; twice as long before each next. */
const SEND_PAUSE_MS = SECOND;
/** Targets that end so much earlier than asked for are as good: a push that goes on the next day. */
const SAME_EXPIRY_MS = 7 * DAY;

/**
 * Publishes drafts, one for each kernel: in bounded requests, each kernel whole or not at all, whatever becomes of the others.
 * Where somebody else published in between, the draft is put on top of theirs, signed anew and sent again, for these
 * kernels alone. Throws `unreachable`, `config`, `limit` and what consent throws; what the edge says of a kernel is a
 * result, given to `onResult` at once.
 */
export async function push(drafts: readonly DraftSource[], options: PushOptions): Promise<Sent> {
  const pushing = new Pushing(options, await newestRoot(options.workspace));
  await inParallel(batches(drafts), REQUESTS, (batch) => pushing.push(batch));
  return pushing.sent;
}

/** The same of one draft that is at hand, where anything but its being published is an error: also `refused`, `conflict`, `trust`. */
export async function pushOne(draft: KernelManifest, options: Omit<PushOptions, "resume" | "onResult">) {
  const { buildId } = draft.kernel;
  const results: PushResult[] = [];
  const onResult = (result: PushResult) => void results.push(result);
  const { bytes } = await push([{ buildId, size: 0, read: async () => draft }], {
    ...options,
    resume: false,
    onResult,
  });
  const [result] = results;
  if (!result) throw new RebootlessError("refused", "the edge gave no answer for this kernel");
  if (result.error) throw result.error;
  return { result, bytes };
}

/** Kernels whose build IDs begin alike share a Durable Object of the edge. */
function batches(drafts: readonly DraftSource[]): readonly (readonly DraftSource[])[] {
  const sorted = [...drafts].sort((a, b) => (a.buildId < b.buildId ? -1 : 1));
  const out: DraftSource[][] = [];
  let size = 0;
  for (const draft of sorted) {
    const last = out.at(-1);
    size += draft.size;
    if (last && last.length < MAX_BATCH && size <= REQUEST_BYTES) last.push(draft);
    else {
      out.push([draft]);
      size = draft.size;
    }
  }
  return out;
}

class Pushing {
  readonly #options: PushOptions;
  readonly #expires: Instant;
  readonly #roots: FeedRoots;
  readonly #staging: Staging;
  /** By the version of the root that names them. */
  readonly #keys = new Map<number, Promise<readonly SigningKey[]>>();
  #bytes = 0;
  #requests = 0;

  /** @param held the newest root of the publisher's own. */
  constructor(options: PushOptions, held: Uint8Array) {
    this.#options = options;
    this.#expires = options.expires ?? instant(options.clock() + TARGETS_LIFE_MS);
    this.#roots = new FeedRoots(options.edge, held);
    this.#staging = new Staging(options.edge, options.artifacts);
  }

  get sent(): Sent {
    const { files, bytes } = this.#staging.sent;
    return { bytes: this.#bytes + bytes, requests: this.#requests, files };
  }

  async push(batch: readonly DraftSource[]): Promise<void> {
    let pending = batch;
    for (let attempt = 1; pending.length > 0; attempt++) {
      if (attempt > 1) await sleep(Math.random() * MAX_PAUSE_MS);
      const again = new Set<BuildId>();
      for (const result of await this.#answered(pending, attempt)) {
        if (result.outcome === "conflict" && attempt < MAX_ATTEMPTS) again.add(result.buildId);
        else this.#options.onResult?.(result);
      }
      pending = pending.filter(({ buildId }) => again.has(buildId));
    }
  }

  /** Sends again what nobody answered: the state that is read anew tells whether it arrived. */
  async #answered(batch: readonly DraftSource[], attempt: number): Promise<readonly PushResult[]> {
    for (let sends = 1; ; sends++) {
      try {
        return await this.#attempt(batch, attempt);
      } catch (error) {
        if (!isCode(error, "unreachable") || sends >= MAX_SENDS || !this.#options.resume) throw error;
        this.#staging.forget();
        await sleep(SEND_PAUSE_MS * 2 ** (sends - 1));
      }
    }
  }

  async #attempt(batch: readonly DraftSource[], attempts: number): Promise<readonly PushResult[]> {
    const { edge, dryRun, resume } = this.#options;
    const drafts = await Promise.all(batch.map(({ read }) => read()));
    const states = await fetchStates(
      edge,
      batch.map(({ buildId }) => buildId),
    );
    const results: PushResult[] = [];
    const proposals = new Map<BuildId, Proposed>();
    for (const draft of drafts) {
      const { buildId } = draft.kernel;
      const proposed = await this.#propose(draft, states.get(buildId));
      const common = { ...NOTHING, buildId, attempts };
      if (proposed instanceof RebootlessError) {
        results.push({ ...common, outcome: "refused", error: proposed });
      } else if (resume && isHeld(proposed, this.#expires)) {
        results.push({ ...common, outcome: "unchanged", version: proposed.current.version, proposed });
      } else proposals.set(buildId, proposed);
    }
    const publications: Publication[] = [];
    for (const [buildId, proposed] of proposals) publications.push(await this.#signed(buildId, proposed));
    if (!dryRun) {
      const made = [...proposals.values()].flatMap(({ merged }) => artifactsIn(merged));
      await this.#staging.provide(made.map(({ sha256 }) => sha256));
    }
    for (const answer of await this.#send(publications)) {
      results.push({ ...NOTHING, ...answer, attempts, proposed: proposals.get(answer.buildId) });
    }
    return results;
  }

  /** A state that does not verify is that kernel's affair alone. */
  async #propose(draft: KernelManifest, bundle: Bundle | undefined): Promise<Proposed | RebootlessError> {
    const { replace } = this.#options;
    try {
      const current = replace
        ? unverifiedState(bundle)
        : await verifiedState(bundle, draft.kernel.buildId, this.#roots);
      return await onTopOf(current, draft, this.#expires);
    } catch (error) {
      if (error instanceof RebootlessError && error.code !== "unreachable") return error;
      throw error;
    }
  }

  async #signed(buildId: BuildId, proposed: Proposed): Promise<Publication> {
    const { current, manifest, document } = proposed;
    await this.#options.consent?.(proposed);
    const keys = await this.#keysBy(current.root ?? (await this.#roots.own()));
    return { buildId, base: current.version, targets: sign(document, keys), manifest };
  }

  #keysBy(root: Root): Promise<readonly SigningKey[]> {
    const known = this.#keys.get(root.version) ?? roleKeys(this.#options.workspace, root, "targets");
    this.#keys.set(root.version, known);
    return known;
  }

  async #send(publications: readonly Publication[]): Promise<readonly EdgeResult[]> {
    if (publications.length === 0) return [];
    const { edge, dryRun } = this.#options;
    const body = encodeBatch(publications);
    const path = `/${dryRun ? DRY_RUN_PATH : PUBLICATIONS_PATH}`;
    const answer = await edge.send({ method: "POST", path, body }, MAX_RESULTS_BYTES);
    if (answer.status !== 200) throw refusal(answer, "the publication");
    this.#bytes += body.length;
    this.#requests++;
    return decodeResults(answer.body);
  }
}

const NOTHING = { version: 0, error: undefined, missing: [], proposed: undefined } as const;

/** Whether what is in force says the same already, wherever in the list its updates stand, and lasts as long. */
function isHeld({ current, merged }: Proposed, expires: Instant): boolean {
  const { manifest, files } = current;
  if (!manifest || !files || (current.expires ?? 0) < expires - SAME_EXPIRY_MS) return false;
  const byId = new Map(merged.updates.map((update) => [update.id, update]));
  const updates = manifest.updates.flatMap(({ id }) => byId.get(id) ?? []);
  if (updates.length !== merged.updates.length) return false;
  return equalBytes(encodeManifest({ ...merged, updates }), files.manifest);
}
