import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import { inParallel } from "../../shared/parallel.ts";
import type { Clock, Instant } from "../../shared/time.ts";
import type { OnlineKey, OnlineKeys } from "../../shared/tuf/online_keys.ts";
import { VerifiedOnce } from "../../shared/tuf/verified_once.ts";
import { rootKey } from "../store/keys.ts";
import { accept } from "./accept.ts";
import { Artifacts } from "./artifacts.ts";
import { requireOperation } from "./authority.ts";
import { composeNew, composeRenewed, smokeTest } from "./compose.ts";
import type { Lines } from "./lines.ts";
import type { Publishers } from "./publishers.ts";
import { type RootChain, type RootDeps, rootChain } from "./roots.ts";
import { commitFeed, isDue, readFeed, type StoredFeed } from "./stored_feed.ts";

export interface RepositoryDeps extends RootDeps {
  readonly keys: OnlineKeys;
  readonly publishers: Publishers;
  readonly clock: Clock;
}

export type PublishOutcome =
  /** What a dry run would have published. @property missing artifacts that are to be staged first. */
  | { readonly kind: "acceptable"; readonly version: number; readonly missing: readonly Sha256Hex[] }
  /** @property etag of the new feed.json, as its header has it; null for a root. */
  | { readonly kind: "published"; readonly version: number; readonly etag: string | null }
  | { readonly kind: "conflict"; readonly message: string; readonly current: number }
  /** Something went wrong here that nobody expected; the detail is for the log. */
  | { readonly kind: "failed"; readonly detail: string }
  | Refusal
  | Misconfigured;

export interface Refusal {
  readonly kind: "refused";
  readonly reason: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** The deployment's own fault: nothing is wrong with what was sent. */
export interface Misconfigured {
  readonly kind: "misconfigured";
  readonly message: string;
}

export type RenewOutcome = { readonly kind: "renewed" | "not_due" | "unknown" } | Refusal | Misconfigured;

/** What one publisher asks for at once: each kernel's publication stands for itself. */
export interface Order {
  /** Whose token came with it. */
  readonly by: string;
  /** Of a kernel each. */
  readonly publications: readonly Publication[];
  /** Judges and writes nothing. */
  readonly dryRun: boolean;
}

/** What became of one kernel's. */
export interface Answered {
  readonly buildId: BuildId;
  readonly outcome: PublishOutcome;
}

/** Kernels of one order worked on at the same time: each waits for the store most of its time. */
const AT_ONCE = 16;

/**
 * Puts each publication in force, whole or not at all, whatever becomes of the others. One at a time for each kernel; the
 * swap at the end holds even so.
 */
export async function publish(
  deps: RepositoryDeps,
  lines: Lines,
  order: Order,
): Promise<readonly Answered[]> {
  const now = deps.clock();
  const verified = new VerifiedOnce(deps.verify);
  const chain = await outcome(() => rootChain({ ...deps, verify: verified.verify }, now));
  if ("kind" in chain) return order.publications.map(({ buildId }) => ({ buildId, outcome: chain }));
  const artifacts = new Artifacts(deps.store, deps.clock);
  const remembering = (own: readonly OnlineKey[]) => own.map((key) => verified.remembering(key));
  const keys = { snapshot: remembering(deps.keys.snapshot), timestamp: remembering(deps.keys.timestamp) };
  const request: Request = { ...order, now, chain, keys, verified, artifacts };
  const answers = await inParallel(order.publications, AT_ONCE, async (publication) => {
    const { buildId } = publication;
    const publishing = () => settled(() => publishOne(deps, request, publication));
    return { buildId, outcome: await lines.run(buildId, publishing) };
  });
  await request.artifacts.drop();
  return answers;
}

/** What the publications of one order share. */
interface Request extends Omit<Order, "publications"> {
  readonly now: Instant;
  readonly chain: RootChain;
  readonly keys: OnlineKeys;
  readonly verified: VerifiedOnce;
  readonly artifacts: Artifacts;
}

function publishOne(deps: RepositoryDeps, request: Request, publication: Publication) {
  return outcome<PublishOutcome>(async () => {
    const { store } = deps;
    const { by, now, keys, artifacts, dryRun, verified } = request;
    const { verify } = verified;
    const chain = { ...request.chain, set: request.chain.set.fork() };
    const { root } = chain.set;
    const current = await readFeed(store, publication.buildId);
    const ground = {
      root,
      current: current?.versions.targets ?? 0,
      manifest: current?.bundle.manifest,
      by,
      publishers: deps.publishers,
      now,
      verify,
      findArtifact: (sha256: Sha256Hex) => artifacts.find(sha256),
    };
    const verdict = await accept(publication, ground, dryRun);
    if (verdict.kind === "conflict") return conflict(verdict.current);
    const { version, staged, missing } = verdict;
    const bundle = await composeNew({ ...publication, version }, current, chain, { keys, verify, now });
    // What is in force passed this very test before it was put there; what is new is judged whole.
    for (const role of ["timestamp", "snapshot"] as const) {
      if (current) verified.know(current.envelopes[role], role, root);
    }
    const ready = await smokeTest(chain, current, bundle);
    if (dryRun) return { kind: "acceptable", version, missing };
    await artifacts.takeIn(staged);
    const commit = await commitFeed(store, current, ready);
    if (commit.kind === "stale") return conflict(await versionInForce(deps, publication.buildId));
    return { kind: "published", version, etag: commit.etag };
  });
}

/** Signs what is in force again when that is due. A feed that somebody replaced meanwhile was renewed by that. */
export function renew(deps: RepositoryDeps, id: BuildId): Promise<RenewOutcome> {
  return outcome(async () => {
    const now = deps.clock();
    const current = await readFeed(deps.store, id);
    if (!current) return { kind: "unknown" };
    const chain = await rootChain(deps, now);
    const { version } = chain.set.root;
    if (!isDue(current.notes, now, version)) return { kind: "not_due" };
    const signing = { keys: deps.keys, verify: deps.verify, now };
    const bundle = await composeRenewed(current, chain, signing);
    await commitFeed(deps.store, current, await smokeTest(chain, current, bundle));
    return { kind: "renewed" };
  });
}

/**
 * Takes in the roots that follow the one in force: each signed by the one before and by itself (specification 5.3.4), never
 * over an old one. Where several come, those that others follow may have expired, as they may for a host that was away.
 */
export function publishRoot(
  deps: RepositoryDeps,
  by: string,
  roots: readonly Uint8Array[],
): Promise<PublishOutcome> {
  return outcome<PublishOutcome>(async () => {
    requireOperation(by, "root", deps.publishers);
    const now = deps.clock();
    const { set } = await rootChain(deps, now);
    const current = set.root.version;
    for (const bytes of roots) await set.updateRoot(bytes);
    const { root } = set;
    if (root.expires <= now) throw new RebootlessError("expired", `root version ${root.version} has expired`);
    if (!root.consistentSnapshot) {
      throw new RebootlessError(
        "refused",
        "root must have consistent_snapshot: files are named by version here",
      );
    }
    for (const [i, bytes] of roots.entries()) {
      const done = await deps.store.create(rootKey(current + 1 + i), bytes);
      if (done === "exists") return conflict(current + 1 + i);
    }
    return { kind: "published", version: root.version, etag: null };
  });
}

async function versionInForce(deps: RepositoryDeps, id: BuildId): Promise<number> {
  const feed: StoredFeed | undefined = await readFeed(deps.store, id);
  return feed?.versions.targets ?? 0;
}

const conflict = (current: number): PublishOutcome => ({
  kind: "conflict",
  message: `version ${current} is in force: somebody published since`,
  current,
});

/** One kernel's misfortune is not the others'. */
async function settled(work: () => Promise<PublishOutcome>): Promise<PublishOutcome> {
  try {
    return await work();
  } catch (error) {
    return {
      kind: "failed",
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

/** What was judged on purpose is an outcome, also across the Durable Object's boundary, where errors lose their class. */
async function outcome<T>(work: () => Promise<T>): Promise<T | Refusal | Misconfigured> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RebootlessError) || error.code === "io") throw error;
    if (error.code === "config") return { kind: "misconfigured", message: error.message };
    return { kind: "refused", reason: error.code, message: error.message, hint: error.hint };
  }
}
