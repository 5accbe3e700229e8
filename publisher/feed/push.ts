import { setTimeout as sleep } from "node:timers/promises";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { DRY_RUN_PATH, encodeBatch, MAX_BATCH, PUBLICATIONS_PATH } from "../../shared/feed/batch.ts";
import type { Bundle } from "../../shared/feed/bundle.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import { inParallel } from "../../shared/parallel.ts";
import { signBy } from "../keys/sign.ts";
import { ArtifactSender, type LocalArtifacts } from "./artifact_sender.ts";
import { currentBundle, unverifiedState, verifiedState } from "./current.ts";
import { draftChanges } from "./draft_change.ts";
import { refusedByEdge } from "./edge_client.ts";
import { FeedRoots } from "./feed_roots.ts";
import type { KernelChange, Next } from "./kernel_change.ts";
import { Patience } from "./patience.ts";
import type { ProposalOptions, Proposed } from "./proposal.ts";
import { newestOwnRoot } from "./publisher_folder.ts";
import { decodeResults, type EdgeResult, MAX_RESULTS_BYTES, refusedFor } from "./results.ts";
import { fetchStates } from "./states.ts";
import { TargetsKeys } from "./targets_keys.ts";

export interface PushChangesOptions extends ProposalOptions {
  readonly artifacts: LocalArtifacts;
  /** True to have the edge check the publications without writing anything. Nothing is staged either. */
  readonly dryRun: boolean;
  /** Called once, as soon as there is something to sign; it throws to prevent that. */
  readonly consentToAll?: () => Promise<void>;
  /** Called before every signature; it throws to prevent that. */
  readonly consent?: (proposed: Proposed) => Promise<void>;
  readonly onResult?: (result: PushResult) => void;
}

/** The outcome of one kernel's change. */
export interface PushResult {
  readonly buildId: BuildId;
  readonly outcome: EdgeResult["outcome"] | "unchanged";
  /** The version that is in force now, or would be after a dry run. */
  readonly version: number;
  /** The error, for the outcomes `conflict`, `refused` and `failed`. */
  readonly error: RebootlessError | undefined;
  /** The files that would have to be sent, for the outcome `acceptable`. */
  readonly missing: readonly Sha256Hex[];
  readonly attempts: number;
  /** The proposal, if the change got that far. */
  readonly proposed: Proposed | undefined;
}

/** The amounts that were sent. */
export interface Sent {
  /** The bytes of publications and artifacts. */
  readonly bytes: number;
  /** The number of requests with publications. */
  readonly requests: number;
  /** The number of modules and fingerprint files. */
  readonly files: number;
}

/**
 * The most attempts for a kernel. If twenty publishers compete for one kernel, the last succeeds at its
 * twentieth attempt; this is over twice that.
 */
const MAX_ATTEMPTS = 50;
const MAX_PAUSE_MS = 250;
/**
 * The largest request, unless a single publication is larger. A proxy in between accepts this much, and a
 * Worker does so easily.
 */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** The number of requests at the same time: while the edge works on some, the next are signed. */
const REQUESTS = 3;
/** The number of kernels read at the same time while nothing is found that has to be signed. */
const READS = 8;

/**
 * Publishes changes, one for each kernel, in requests of limited size. Each kernel is published whole or not
 * at all, whatever happens to the others. Kernels whose state in force already says the same are skipped, and
 * if that is so for all, no key is opened. If someone else published a kernel in between, its change is
 * applied to the new state, signed and sent again. What the edge answers for a kernel is a result, passed to
 * `onResult` at once.
 *
 * @throws RebootlessError `unreachable`, `config`, `limit`, and what consent throws.
 */
export async function pushChanges(
  changes: readonly KernelChange[],
  options: PushChangesOptions,
): Promise<Sent> {
  const pushing = new Pushing(options, await newestOwnRoot(options.folder));
  const rest = await pushing.passOver(changes);
  if (rest.length > 0) await options.consentToAll?.();
  await inParallel(batches(rest), REQUESTS, (batch) => pushing.push(batch));
  return pushing.sent;
}

/**
 * Publishes one draft. Any outcome but "published" or "already in force" is an error.
 *
 * @throws RebootlessError `unreachable`, `config`, `limit`, `refused`, `conflict`, `trust`, and what consent
 *   throws.
 */
export async function pushOne(draft: KernelManifest, options: Omit<PushChangesOptions, "onResult">) {
  const { buildId } = draft.kernel;
  const results: PushResult[] = [];
  const onResult = (result: PushResult) => void results.push(result);
  const changes = draftChanges([{ buildId, size: 0, read: async () => draft }], options);
  const { bytes } = await pushChanges(changes, { ...options, onResult });
  const [result] = results;
  if (!result) throw new RebootlessError("refused", "the edge gave no answer for this kernel");
  if (result.error) throw result.error;
  return { result, bytes };
}

/**
 * Groups changes into requests, sorted by build ID, because kernels whose build IDs begin alike share a
 * Durable Object of the edge.
 */
function batches(changes: readonly KernelChange[]): readonly (readonly KernelChange[])[] {
  const sorted = [...changes].sort((a, b) => (a.buildId < b.buildId ? -1 : 1));
  const out: KernelChange[][] = [];
  let size = 0;
  for (const change of sorted) {
    const last = out.at(-1);
    size += change.size;
    if (last && last.length < MAX_BATCH && size <= REQUEST_BYTES) last.push(change);
    else {
      out.push([change]);
      size = change.size;
    }
  }
  return out;
}

class Pushing {
  readonly #options: PushChangesOptions;
  readonly #roots: FeedRoots;
  readonly #staging: ArtifactSender;
  readonly #keys: TargetsKeys;
  readonly #patience = new Patience();
  #bytes = 0;
  #requests = 0;

  /** @param held the publisher's own newest root. */
  constructor(options: PushChangesOptions, held: Uint8Array) {
    this.#options = options;
    this.#roots = new FeedRoots(options.edge, held);
    this.#staging = new ArtifactSender(options.edge, options.artifacts);
    this.#keys = new TargetsKeys(options.folder);
  }

  get sent(): Sent {
    const { files, bytes } = this.#staging.sent;
    return { bytes: this.#bytes + bytes, requests: this.#requests, files };
  }

  /**
   * Reads kernels without a token, up to the first that has something to sign. Returns the changes that are
   * left, without the kernels that are finished: those already in force, and those whose state cannot be
   * built upon.
   *
   * @throws RebootlessError `config` if keys turn out to be missing.
   */
  async passOver(changes: readonly KernelChange[]): Promise<readonly KernelChange[]> {
    const { edge, replace, onResult } = this.#options;
    const done = new Set<BuildId>();
    let root = replace ? await this.#roots.own() : undefined;
    await inParallel(changes, READS, async (change) => {
      if (root) return;
      const bundle = await this.#patience.ask(() => currentBundle(edge, change.buildId));
      const next = await this.#next(change, bundle);
      if (!(next instanceof RebootlessError) && !next.inForce) {
        root ??= next.proposed.current.root ?? (await this.#roots.own());
        return;
      }
      done.add(change.buildId);
      onResult?.(settled(change, next, 1));
    });
    if (root) await this.#keys.require(root);
    return changes.filter(({ buildId }) => !done.has(buildId));
  }

  async push(batch: readonly KernelChange[]): Promise<void> {
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

  /**
   * Sends a batch, and sends it again if there was no answer. The state that is read again shows whether it
   * arrived.
   */
  #answered(batch: readonly KernelChange[], attempt: number): Promise<readonly PushResult[]> {
    return this.#patience.ask((tries) => {
      if (tries > 1) this.#staging.forget();
      return this.#attempt(batch, attempt);
    });
  }

  async #attempt(batch: readonly KernelChange[], attempts: number): Promise<readonly PushResult[]> {
    const { edge, dryRun } = this.#options;
    const states = await fetchStates(
      edge,
      batch.map(({ buildId }) => buildId),
    );
    this.#patience.answered();
    const results: PushResult[] = [];
    const proposals = new Map<BuildId, Proposed>();
    for (const change of batch) {
      const next = await this.#next(change, states.get(change.buildId));
      if (next instanceof RebootlessError || next.inForce) results.push(settled(change, next, attempts));
      else proposals.set(change.buildId, next.proposed);
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

  /**
   * Computes a kernel's next state. A state that does not verify affects only this kernel, so the error is
   * returned.
   */
  async #next(change: KernelChange, bundle: Bundle | undefined): Promise<Next | RebootlessError> {
    try {
      const current = this.#options.replace
        ? unverifiedState(bundle)
        : await verifiedState(bundle, change.buildId, this.#roots);
      return await change.on(current);
    } catch (error) {
      if (error instanceof RebootlessError && error.code !== "unreachable") return error;
      throw error;
    }
  }

  async #signed(buildId: BuildId, proposed: Proposed): Promise<Publication> {
    const { current, manifest, document } = proposed;
    const root = current.root ?? (await this.#roots.own());
    await this.#keys.require(root);
    await this.#options.consent?.(proposed);
    return {
      buildId,
      base: current.version,
      targets: await signBy(document, await this.#keys.open(root)),
      manifest,
    };
  }

  async #send(publications: readonly Publication[]): Promise<readonly EdgeResult[]> {
    if (publications.length === 0) return [];
    const { edge, dryRun } = this.#options;
    const body = encodeBatch(publications);
    const path = `/${dryRun ? DRY_RUN_PATH : PUBLICATIONS_PATH}`;
    const answer = await edge.send({ method: "POST", path, body }, MAX_RESULTS_BYTES);
    if (answer.status !== 200) throw refusedByEdge(answer, "the publication");
    this.#bytes += body.length;
    this.#requests++;
    const results = decodeResults(answer.body);
    return dryRun ? results.map((result) => this.#withFiles(result)) : results;
  }

  /**
   * Turns a result of a dry run into a refusal if neither the edge nor this publisher has an artifact it
   * needs, because the edge would refuse the publication.
   */
  #withFiles(result: EdgeResult): EdgeResult {
    const absent = result.missing.find((sha256) => !this.#staging.has(sha256));
    if (result.outcome !== "acceptable" || absent === undefined) return result;
    return { ...result, outcome: "refused", error: refusedFor(`artifact ${absent} was not staged`) };
  }
}

const NOTHING = { version: 0, error: undefined, missing: [], proposed: undefined } as const;

/** Makes the result of a kernel for which nothing is signed. */
function settled({ buildId }: KernelChange, next: Next | RebootlessError, attempts: number): PushResult {
  const common = { ...NOTHING, buildId, attempts };
  if (next instanceof RebootlessError) return { ...common, outcome: "refused", error: next };
  const { proposed } = next;
  return { ...common, outcome: "unchanged", version: proposed.current.version, proposed };
}
