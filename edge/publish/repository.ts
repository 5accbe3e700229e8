import type { BuildId } from "../../shared/brand.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { Clock } from "../../shared/time.ts";
import { rootKey } from "../store/keys.ts";
import { accept } from "./accept.ts";
import { artifactFinder, dropStaged, takeIn } from "./artifacts.ts";
import { composeNew, composeRenewed, smokeTest } from "./compose.ts";
import type { OnlineKeys } from "./online_keys.ts";
import { type RootDeps, rootChain } from "./roots.ts";
import { commitFeed, isDue, readFeed, type StoredFeed } from "./stored_feed.ts";

export interface RepositoryDeps extends RootDeps {
  readonly keys: OnlineKeys;
  readonly clock: Clock;
}

export type PublishOutcome =
  /** @property etag of the new feed.json, as its header has it; null for a root. */
  | { readonly kind: "published"; readonly version: number; readonly etag: string | null }
  | { readonly kind: "conflict"; readonly message: string; readonly current: number }
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

/** Puts a publication in force, whole or not at all. One at a time for each kernel; the swap at the end holds even so. */
export function publish(deps: RepositoryDeps, publication: Publication): Promise<PublishOutcome> {
  return outcome(async () => {
    const { store, verify } = deps;
    const now = deps.clock();
    const current = await readFeed(store, publication.buildId);
    const chain = await rootChain(deps, now);
    const verdict = await accept(publication, {
      root: chain.set.root,
      current: current?.versions.targets ?? 0,
      now,
      verify,
      findArtifact: artifactFinder(store),
    });
    if (verdict.kind === "conflict") return conflict(verdict.current);
    const content = { ...publication, version: verdict.version };
    const bundle = await composeNew(content, current, chain, { keys: deps.keys, verify, now });
    const { version: rootVersion } = chain.set.root;
    await smokeTest(chain, current, bundle);
    await takeIn(store, verdict.staged);
    const commit = await commitFeed(store, current, bundle, rootVersion);
    if (commit.kind === "stale") return conflict(await versionInForce(deps, publication.buildId));
    await dropStaged(store, verdict.staged);
    return { kind: "published", version: verdict.version, etag: commit.etag };
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
    await smokeTest(chain, current, bundle);
    await commitFeed(deps.store, current, bundle, version);
    return { kind: "renewed" };
  });
}

/** Takes in the next root: signed by the one in force and by itself (specification 5.3.4), never over an old one. */
export function publishRoot(deps: RepositoryDeps, bytes: Uint8Array): Promise<PublishOutcome> {
  return outcome(async () => {
    const now = deps.clock();
    const { set } = await rootChain(deps, now);
    const current = set.root.version;
    const root = await set.updateRoot(bytes);
    if (root.expires <= now) throw new RebootlessError("expired", `root version ${root.version} has expired`);
    if (!root.consistentSnapshot) {
      throw new RebootlessError(
        "refused",
        "root must have consistent_snapshot: files are named by version here",
      );
    }
    const done = await deps.store.create(rootKey(root.version), bytes);
    if (done === "exists") return conflict(current + 1);
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
