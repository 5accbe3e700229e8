import { equalBytes } from "../bytes.ts";
import { MAX_ROOT_ROTATIONS } from "../limits.ts";
import type { Expiry } from "./expiry.ts";
import { keyIdentity, type SignatureVerifier } from "./keys.ts";
import { type MetadataSource, type MetadataStore, type OnDamage, recall, recallRoot } from "./metadata_io.ts";
import { type Root, statedRootVersion, type TopRole } from "./schema.ts";
import { roleOf, TrustedSet } from "./trusted_set.ts";
import type { Verifier } from "./verifier.ts";
import { isFile } from "./verify.ts";

export type { MetadataFile, MetadataSource, MetadataStore, OnDamage } from "./metadata_io.ts";

export interface RefreshOptions {
  readonly source: MetadataSource;
  readonly store: MetadataStore;
  /** The root to begin with where the store holds no newer one. */
  readonly provisionedRoot: Uint8Array;
  readonly verifier: Verifier;
  readonly expiry: Expiry;
  /** Verifies each root that is new here, in place of `verifier`. */
  readonly verifyNewRoot?: SignatureVerifier | undefined;
  /** Called for each damaged file in the store; the refresh goes on without it. */
  readonly onDamage?: OnDamage;
}

/**
 * Refreshes the metadata by the client workflow (TUF specification 5.2 to 5.6). Throws as TrustedSet and the source do.
 */
export async function refresh(options: RefreshOptions): Promise<TrustedSet> {
  const trusted = await startRoot(options);
  await followRoots(trusted, options);
  trusted.finishRoots(); // 5.3.10
  await refreshTimestamp(trusted, options);
  await refreshSnapshot(trusted, options);
  await refreshTargets(trusted, options);
  return trusted;
}

/**
 * Starts with the newer of the provisioned root and the stored one (5.2). A stored root that is damaged, or not newer
 * than the provisioned one, is replaced: a host must always recover from what it was set up with.
 */
async function startRoot({
  store,
  provisionedRoot,
  verifier,
  expiry,
  onDamage,
}: RefreshOptions): Promise<TrustedSet> {
  const cached = await store.read("root");
  const untouched = cached !== undefined && equalBytes(cached, provisionedRoot);
  if (cached && !untouched) {
    const take = () => TrustedSet.fromRoot(cached, verifier, expiry);
    const trusted = await recallRoot(take, onDamage);
    // The stated version is enough to choose by, as the root that is chosen is verified.
    if (trusted && trusted.root.version > statedRootVersion(provisionedRoot)) return trusted;
  }
  const trusted = await TrustedSet.fromRoot(provisionedRoot, verifier, expiry);
  if (!untouched) await store.write("root", provisionedRoot);
  return trusted;
}

/** Takes newer roots (5.3). After MAX_ROOT_ROTATIONS of them the rest is left to the next refresh (5.3.3). */
async function followRoots(
  trusted: TrustedSet,
  { source, store, verifyNewRoot }: RefreshOptions,
): Promise<void> {
  for (let count = 0; count < MAX_ROOT_ROTATIONS; count++) {
    const bytes = await source.root(trusted.root.version + 1);
    if (bytes === undefined) return;
    const before = trusted.root;
    const after = await trusted.updateRoot(bytes, verifyNewRoot);
    if (keysChanged(before, after, "timestamp") || keysChanged(before, after, "snapshot")) {
      // 5.3.11: recovery from a fast-forward attack by whoever held the old online keys. Off-spec: at each root
      // and before it is persisted, not once after 5.3.10. A refresh that is cut short in between, or that finds
      // the last root expired, would otherwise never learn again that the keys were rotated.
      await store.remove("timestamp");
      await store.remove("snapshot");
    }
    await store.write("root", bytes); // 5.3.8
  }
}

/** 5.4 */
async function refreshTimestamp(trusted: TrustedSet, options: RefreshOptions): Promise<void> {
  const { source, store } = options;
  const cached = await recall("timestamp", options, (bytes) => trusted.updateTimestamp(bytes, "cached"));
  const bytes = await source.timestamp();
  if (cached && equalBytes(cached.bytes, bytes)) return;
  if ((await trusted.updateTimestamp(bytes)) === "newer") await store.write("timestamp", bytes); // 5.4.5
}

/** 5.5 */
async function refreshSnapshot(trusted: TrustedSet, options: RefreshOptions): Promise<void> {
  const { source, store, verifier } = options;
  const meta = trusted.snapshotMeta();
  const cached = await recall("snapshot", options, (bytes) => trusted.updateSnapshot(bytes, "cached"));
  if (
    cached &&
    trusted.snapshot?.version === meta.version &&
    (await isFile(cached.bytes, meta, verifier.digests))
  )
    return;
  const consistent = trusted.root.consistentSnapshot;
  const bytes = await source.snapshot({ role: "snapshot", meta, consistent });
  await trusted.updateSnapshot(bytes);
  await store.write("snapshot", bytes); // 5.5.7
}

/** 5.6 */
async function refreshTargets(trusted: TrustedSet, options: RefreshOptions): Promise<void> {
  const { source, store } = options;
  const meta = trusted.targetsMeta();
  if (await recall("targets", options, (bytes) => trusted.updateTargets(bytes))) return;
  const consistent = trusted.root.consistentSnapshot;
  const bytes = await source.targets({ role: "targets", meta, consistent });
  await trusted.updateTargets(bytes);
  await store.write("targets", bytes); // 5.6.6
}

/** Tells whether a role has other keys. Keys are compared themselves, not by their ids. */
function keysChanged(before: Root, after: Root, role: TopRole): boolean {
  const identities = (root: Root) =>
    roleOf(root, role)
      .keyIds.map((id) => [id, root.keys.get(id)] as const)
      .map(([id, key]) => (key && keyIdentity(key)) ?? id)
      .sort()
      .join("\n");
  return identities(before) !== identities(after);
}
