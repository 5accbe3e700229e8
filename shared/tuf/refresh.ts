import { isCode } from "../errors.ts";
import { MAX_ROOT_ROTATIONS } from "../limits.ts";
import type { Instant } from "../time.ts";
import type { SignatureVerifier } from "./keys.ts";
import type { FileMeta, Root, TopRole } from "./schema.ts";
import { roleOf, TrustedSet } from "./trusted_set.ts";

/** Where metadata comes from: a bundle, a server of TUF files, a folder, the cache. It is believed in nothing. */
export interface MetadataSource {
  /** undefined is an explicit "there is none"; anything short of that throws (specification 5.3.3). */
  root(version: number): Promise<Uint8Array | undefined>;
  timestamp(): Promise<Uint8Array>;
  snapshot(meta: FileMeta): Promise<Uint8Array>;
  targets(meta: FileMeta): Promise<Uint8Array>;
}

/** Where verified metadata is kept, exactly as it was received. */
export interface MetadataStore {
  read(role: TopRole): Promise<Uint8Array | undefined>;
  write(role: TopRole, bytes: Uint8Array): Promise<void>;
  remove(role: TopRole): Promise<void>;
}

export interface RefreshOptions {
  readonly source: MetadataSource;
  readonly store: MetadataStore;
  /** The root to begin with where the store holds none. */
  readonly provisionedRoot: Uint8Array;
  readonly now: Instant;
  readonly verify: SignatureVerifier;
}

/** One refresh by the client workflow (TUF specification 5.2 to 5.6). Throws as TrustedSet and the source do. */
export async function refresh(options: RefreshOptions): Promise<TrustedSet> {
  const { source, store, provisionedRoot, now, verify } = options;
  const trusted = await TrustedSet.fromRoot((await store.read("root")) ?? provisionedRoot, now, verify);
  await followRoots(trusted, source, store);
  await refreshTimestamp(trusted, source, store);
  await refreshSnapshot(trusted, source, store);
  await refreshTargets(trusted, source, store);
  return trusted;
}

/** 5.3 */
async function followRoots(trusted: TrustedSet, source: MetadataSource, store: MetadataStore): Promise<void> {
  for (let count = 0; count < MAX_ROOT_ROTATIONS; count++) {
    const bytes = await source.root(trusted.root.version + 1);
    if (bytes === undefined) return;
    const before = trusted.root;
    const after = await trusted.updateRoot(bytes);
    await store.write("root", bytes); // 5.3.8
    if (keysChanged(before, after, "timestamp") || keysChanged(before, after, "snapshot")) {
      // 5.3.11: recovery from a fast-forward attack by whoever held the old online keys.
      await store.remove("timestamp");
      await store.remove("snapshot");
    }
  }
}

/** 5.4 */
async function refreshTimestamp(trusted: TrustedSet, source: MetadataSource, store: MetadataStore) {
  await recall("timestamp", store, (bytes) => trusted.updateTimestamp(bytes));
  const bytes = await source.timestamp();
  if ((await trusted.updateTimestamp(bytes)) === "newer") await store.write("timestamp", bytes);
}

/** 5.5 */
async function refreshSnapshot(trusted: TrustedSet, source: MetadataSource, store: MetadataStore) {
  const meta = trusted.snapshotMeta();
  await recall("snapshot", store, (bytes) => trusted.updateSnapshot(bytes, "cached"));
  if (trusted.snapshot?.version === meta.version) return;
  const bytes = await source.snapshot(meta);
  await trusted.updateSnapshot(bytes);
  await store.write("snapshot", bytes);
}

/** 5.6 */
async function refreshTargets(trusted: TrustedSet, source: MetadataSource, store: MetadataStore) {
  const meta = trusted.targetsMeta();
  if (await recall("targets", store, (bytes) => trusted.updateTargets(bytes))) return;
  const bytes = await source.targets(meta);
  await trusted.updateTargets(bytes);
  await store.write("targets", bytes);
}

/**
 * Reads a file back from the store. One that no longer verifies, or was damaged, is as good as absent: what it
 * protected against is lost, and the fresh file that follows replaces it.
 */
async function recall(
  role: TopRole,
  store: MetadataStore,
  take: (bytes: Uint8Array) => Promise<unknown>,
): Promise<boolean> {
  const bytes = await store.read(role);
  if (bytes === undefined) return false;
  try {
    await take(bytes);
    return true;
  } catch (error) {
    if (["parse", "trust", "expired", "rollback"].some((code) => isCode(error, code as "parse")))
      return false;
    throw error;
  }
}

function keysChanged(before: Root, after: Root, role: TopRole): boolean {
  const ids = (root: Root) => [...roleOf(root, role).keyIds].sort().join(" ");
  return ids(before) !== ids(after);
}
