import { readdir } from "node:fs/promises";
import { type BuildId, isBuildId } from "../../shared/brand.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Instant } from "../../shared/time.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { emptyStore } from "../../shared/tuf/staged_store.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import { cachedChain, type Evidence, evidenceOf } from "../trust/evidence.ts";
import type { Subject } from "../trust/poll.ts";
import { trustDir } from "../trust/trust_dir.ts";

/** One thing that was verified, and the chain that it hangs from. */
export interface VerifiedThing {
  readonly what: string;
  readonly kind: "module" | "fingerprints" | "manifest" | "bundle" | "loaded module";
  readonly evidence: Evidence;
  /** For a module: the update that it belongs to. */
  readonly update?: Update;
}

export interface EvidenceOptions {
  readonly provisionedRoot: Uint8Array;
  readonly stateDir: string;
  /** Of the running kernel: update ids are looked up in its manifest. */
  readonly running: BuildId;
  /** A feed.json to hang things from, in place of what this host keeps. */
  readonly bundle?: Uint8Array;
  readonly now: Instant;
  readonly loaded: () => Promise<readonly LoadedPatch[]>;
}

const subjectOf = (id: BuildId, { provisionedRoot, stateDir }: EvidenceOptions): Subject => ({
  buildId: id,
  provisionedRoot,
  directory: trustDir(stateDir, id, provisionedRoot),
});

/** The chain of one kernel: from the bundle given, or from what this host keeps. */
export async function evidenceFor(id: BuildId, options: EvidenceOptions): Promise<Evidence | undefined> {
  if (options.bundle) {
    const evidence = await bundleEvidence(options.bundle, options);
    return evidence.manifest.kernel.buildId === id ? evidence : undefined;
  }
  const subject = subjectOf(id, options);
  const chain = await cachedChain(subject);
  return chain && evidenceOf(subject, chain, subject.directory.metadata, options.now);
}

/** Every chain at hand. */
export async function allEvidence(options: EvidenceOptions): Promise<readonly Evidence[]> {
  if (options.bundle) return [await bundleEvidence(options.bundle, options)];
  const names = await readdir(options.stateDir).catch((): string[] => []);
  const ids = names.filter(isBuildId);
  const all = await Promise.all(ids.map((id) => evidenceFor(id, options)));
  return all.filter((evidence) => evidence !== undefined);
}

/**
 * A bundle is judged for where it comes from, not for being the newest: of what this host keeps, only the root of
 * trust has a say.
 */
export async function bundleEvidence(bytes: Uint8Array, options: EvidenceOptions): Promise<Evidence> {
  const bundle = decodeBundle(bytes);
  const chain = { source: bundleSource(bundle, async () => undefined), manifest: bundle.manifest };
  const subject = subjectOf(bundle.buildId, options);
  return evidenceOf(subject, chain, rootOnly(subject.directory.metadata), options.now);
}

const rootOnly = (store: MetadataStore): MetadataStore => ({
  ...emptyStore,
  read: async (role) => (role === "root" ? store.read("root") : undefined),
});
