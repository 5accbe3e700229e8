import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import { inParallel } from "../../shared/parallel.ts";
import type { Clock, Instant } from "../../shared/time.ts";
import type { OnlineKey, OnlineKeys } from "../../shared/tuf/online_keys.ts";
import { VerifiedOnce } from "../../shared/tuf/verified_once.ts";
import type { KeyedMutex } from "../keyed_mutex.ts";
import { rootKey } from "../store/keys.ts";
import { accept } from "./accept.ts";
import { requireOperation } from "./authority.ts";
import { composeNew, composeRenewed, smokeTest } from "./compose.ts";
import {
  type KernelOutcome,
  outcomeOf,
  outcomeOrFailure,
  type PublishOutcome,
  type RenewOutcome,
} from "./outcome.ts";
import type { Publishers } from "./publishers.ts";
import type { PublishRequest } from "./queue.ts";
import { RequestArtifacts } from "./request_artifacts.ts";
import { type RootChain, type RootDeps, verifiedRootChain } from "./roots.ts";
import { commitFeed, isDue, readFeed } from "./stored_feed.ts";

export interface RepositoryDeps extends RootDeps {
  readonly keys: OnlineKeys;
  readonly publishers: Publishers;
  readonly requireTried: boolean;
  readonly clock: Clock;
}

/**
 * The number of kernels of one request that are worked on at the same time. Each waits for the store most of
 * its time.
 */
const AT_ONCE = 16;

/**
 * Puts each publication in force, whole or not at all, whatever the outcome of the others. Publishes of one
 * kernel run one after the other; the compare-and-swap at the end is safe even if they did not.
 *
 * @param mutex has a key for each kernel.
 */
export async function publish(
  deps: RepositoryDeps,
  mutex: KeyedMutex,
  request: PublishRequest,
): Promise<readonly KernelOutcome[]> {
  const now = deps.clock();
  const verified = new VerifiedOnce(deps.verify);
  const chain = await outcomeOf(() => verifiedRootChain({ ...deps, verify: verified.verify }, now));
  if ("kind" in chain) return request.publications.map(({ buildId }) => ({ buildId, outcome: chain }));
  const artifacts = new RequestArtifacts(deps);
  const remembering = (own: readonly OnlineKey[]) => own.map((key) => verified.remembering(key));
  const keys = { snapshot: remembering(deps.keys.snapshot), timestamp: remembering(deps.keys.timestamp) };
  const shared: Shared = { by: request.by, dryRun: request.dryRun, now, chain, keys, verified, artifacts };
  const outcomes = await inParallel(request.publications, AT_ONCE, async (publication) => {
    const { buildId } = publication;
    const publishing = () => outcomeOrFailure(() => publishOne(deps, shared, publication));
    return { buildId, outcome: await mutex.run(buildId, publishing) };
  });
  await artifacts.drop();
  return outcomes;
}

/** The context that the publications of one request share. */
interface Shared extends Pick<PublishRequest, "by" | "dryRun"> {
  readonly now: Instant;
  readonly chain: RootChain;
  readonly keys: OnlineKeys;
  readonly verified: VerifiedOnce;
  readonly artifacts: RequestArtifacts;
}

function publishOne(deps: RepositoryDeps, shared: Shared, publication: Publication) {
  return outcomeOf<PublishOutcome>(async () => {
    const { store, digests } = deps;
    const { by, now, keys, artifacts, dryRun, verified } = shared;
    const { verify } = verified;
    const chain = { ...shared.chain, set: shared.chain.set.fork() };
    const { root } = chain.set;
    const current = await readFeed(store, publication.buildId);
    const context = {
      root,
      currentVersion: current?.versions.targets ?? 0,
      manifest: current?.bundle.manifest,
      by,
      publishers: deps.publishers,
      requireTried: deps.requireTried,
      now,
      verify,
      digests,
      findArtifact: (sha256: Sha256Hex) => artifacts.find(sha256),
    };
    const acceptance = await accept(publication, context, dryRun);
    if (acceptance.kind === "conflict") return conflict(acceptance.current);
    const { version, staged, missing } = acceptance;
    const bundle = await composeNew({ ...publication, version }, current, chain, {
      keys,
      verify,
      digests,
      now,
    });
    // The files in force passed this very test when they were published; the new files are verified as a
    // whole.
    for (const role of ["timestamp", "snapshot"] as const) {
      if (current) verified.know(current.envelopes[role], role, root);
    }
    const ready = await smokeTest(chain, current, bundle, digests);
    if (dryRun) return { kind: "acceptable", version, missing };
    await artifacts.promote(staged);
    const commit = await commitFeed(store, current, ready, digests);
    if (commit.kind === "stale") return conflict(await versionInForce(deps, publication.buildId));
    return { kind: "published", version, etag: commit.etag };
  });
}

/** Signs the feed in force again if that is due. A feed that was replaced meanwhile was renewed by that. */
export function renew(deps: RepositoryDeps, id: BuildId): Promise<RenewOutcome> {
  return outcomeOf(async () => {
    const now = deps.clock();
    const current = await readFeed(deps.store, id);
    if (!current) return { kind: "unknown" };
    const chain = await verifiedRootChain(deps, now);
    const { version } = chain.set.root;
    if (!isDue(current.notes, now, version)) return { kind: "not_due" };
    const { keys, verify, digests } = deps;
    const signing = { keys, verify, digests, now };
    const bundle = await composeRenewed(current, chain, signing);
    const ready = await smokeTest(chain, current, bundle, digests);
    await commitFeed(deps.store, current, ready, digests);
    return { kind: "renewed" };
  });
}

/**
 * Stores roots that follow the one in force: each is signed by the one before it and by itself (TUF specification,
 * 5.3.4), and none replaces an older one. Of several, only the last must not have expired: the others may have, as they
 * may for a host that was away.
 */
export function publishRoot(
  deps: RepositoryDeps,
  by: string,
  roots: readonly Uint8Array[],
): Promise<PublishOutcome> {
  return outcomeOf<PublishOutcome>(async () => {
    requireOperation(by, "root", deps.publishers);
    const now = deps.clock();
    const { set } = await verifiedRootChain(deps, now);
    const current = set.root.version;
    for (const bytes of roots) await set.updateRoot(bytes);
    const { root } = set;
    if (root.expires <= now) throw new RebootlessError("expired", `root version ${root.version} has expired`);
    if (!root.consistentSnapshot) {
      throw new RebootlessError(
        "refused",
        "root must have consistent_snapshot, because files are named by version here",
      );
    }
    for (const [i, bytes] of roots.entries()) {
      const done = await deps.store.create(rootKey(current + 1 + i), bytes);
      if (done === "exists") return conflict(current + 1 + i);
    }
    return { kind: "published", version: root.version, etag: null };
  });
}

const versionInForce = async (deps: RepositoryDeps, id: BuildId): Promise<number> =>
  (await readFeed(deps.store, id))?.versions.targets ?? 0;

const conflict = (current: number): PublishOutcome => ({
  kind: "conflict",
  message: `version ${current} is in force: somebody published since`,
  current,
});
