import { readdir } from "node:fs/promises";
import { type BuildId, isBuildId } from "../../shared/brand.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import type { Update } from "../../shared/feed/update.ts";
import { bundledFeed } from "../../shared/feed/verified_feed.ts";
import type { Instant } from "../../shared/time.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { emptyStore } from "../../shared/tuf/staged_store.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import { type Evidence, evidenceOf } from "../trust/evidence.ts";
import { storedFeed } from "../trust/stored_feed.ts";
import type { Subject } from "../trust/subject.ts";
import { trustDir } from "../trust/trust_dir.ts";

/** A thing that was verified, with the chain of signatures that it depends on. */
export interface VerifiedThing {
  readonly what: string;
  readonly kind: "module" | "fingerprints" | "manifest" | "bundle" | "loaded module";
  readonly evidence: Evidence;
  /** The update that a module belongs to. */
  readonly update?: Update;
}

/** What signatures are verified with. */
export interface EvidenceOptions extends Pick<Subject, "provisionedRoot" | "verifiers"> {
  readonly stateDir: string;
  /** The build ID of the running kernel, in whose manifest update ids are looked up. */
  readonly running: BuildId;
  /** A feed.json to verify against, instead of what this host has stored. */
  readonly bundle?: Uint8Array;
  readonly now: Instant;
  readonly loaded: () => Promise<readonly LoadedPatch[]>;
}

const subjectOf = (id: BuildId, { provisionedRoot, stateDir, verifiers }: EvidenceOptions): Subject => ({
  buildId: id,
  provisionedRoot,
  verifiers,
  directory: trustDir(stateDir, id, provisionedRoot),
});

/** Verifies the chain of a kernel, from the given bundle or from what this host has stored. */
export async function evidenceFor(id: BuildId, options: EvidenceOptions): Promise<Evidence | undefined> {
  if (options.bundle) {
    const evidence = await bundleEvidence(options.bundle, options);
    return evidence.manifest.kernel.buildId === id ? evidence : undefined;
  }
  const subject = subjectOf(id, options);
  const feed = await storedFeed(subject);
  return feed && evidenceOf(subject, feed, subject.directory.metadata, options.now);
}

/** Verifies all chains that there are. */
export async function allEvidence(options: EvidenceOptions): Promise<readonly Evidence[]> {
  if (options.bundle) return [await bundleEvidence(options.bundle, options)];
  const names = await readdir(options.stateDir).catch((): string[] => []);
  const ids = names.filter(isBuildId);
  const all = await Promise.all(ids.map((id) => evidenceFor(id, options)));
  return all.filter((evidence) => evidence !== undefined);
}

/**
 * Verifies who signed a bundle, and not that it is the newest one. Of what this host has stored, only the root of trust is
 * used.
 */
export async function bundleEvidence(bytes: Uint8Array, options: EvidenceOptions): Promise<Evidence> {
  const bundle = decodeBundle(bytes);
  const subject = subjectOf(bundle.buildId, options);
  return evidenceOf(subject, bundledFeed(bundle), rootOnly(subject.directory.metadata), options.now);
}

const rootOnly = (store: MetadataStore): MetadataStore => ({
  ...emptyStore,
  read: async (role) => (role === "root" ? store.read("root") : undefined),
});
