import type { Sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { Artifact } from "../../shared/feed/update.ts";
import { MAX_MANIFEST_BYTES, MAX_TARGETS_BYTES } from "../../shared/limits.ts";
import { formatInstant, type Instant } from "../../shared/time.ts";
import type { SignatureVerifier } from "../../shared/tuf/keys.ts";
import { decodeTargets, parseEnvelope, type Root, type Targets } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { verifyThreshold } from "../../shared/tuf/verify.ts";

/** What a publication is judged against. */
export interface Ground {
  /** The root in force. */
  readonly root: Root;
  /** Version of the kernel's targets in force, 0 when it has none. */
  readonly current: number;
  readonly now: Instant;
  readonly verify: SignatureVerifier;
  /** Where an artifact lies, after its bytes were checked if it is only staged. */
  readonly findArtifact: (sha256: Sha256Hex) => Promise<FoundArtifact | undefined>;
}

export interface FoundArtifact {
  readonly in: "artifacts" | "staging";
  /** Of the bytes that are there. */
  readonly sha256: Sha256Hex;
  /** Bytes. */
  readonly length: number;
}

export type Verdict =
  | { readonly kind: "accepted"; readonly version: number; readonly staged: readonly Sha256Hex[] }
  /** Somebody else published since `base`. */
  | { readonly kind: "conflict"; readonly current: number };

/** Artifacts looked up at the same time. */
const LOOKUPS = 16;

/**
 * Judges a publish whole, before anything is written. Throws RebootlessError with what failed: `trust`,
 * `expired`, `parse`, `limit` or `refused`.
 */
export async function accept(publication: Publication, ground: Ground): Promise<Verdict> {
  withinLimits(publication);
  const targets = await signedTargets(publication.targets, ground);
  if (targets.version !== publication.base + 1) {
    refuse(`targets has version ${targets.version} where ${publication.base + 1} follows the base`);
  }
  if (publication.base !== ground.current) return { kind: "conflict", current: ground.current };
  if (targets.expires <= ground.now) {
    throw new RebootlessError("expired", `targets expired at ${formatInstant(targets.expires)}`);
  }
  const manifest = await signedManifest(publication, targets);
  return { kind: "accepted", version: targets.version, staged: await stagedArtifacts(manifest, ground) };
}

function withinLimits({ targets, manifest }: Publication): void {
  const tooLong = (what: string, max: number) => {
    throw new RebootlessError("limit", `${what} has more than ${max} bytes`);
  };
  if (targets.length > MAX_TARGETS_BYTES) tooLong("targets", MAX_TARGETS_BYTES);
  if (manifest.length > MAX_MANIFEST_BYTES) tooLong("the manifest", MAX_MANIFEST_BYTES);
}

async function signedTargets(bytes: Uint8Array, { root, verify }: Ground): Promise<Targets> {
  const envelope = parseEnvelope(bytes, "targets");
  await verifyThreshold(envelope, roleOf(root, "targets"), root.keys, verify, "targets");
  return decodeTargets(envelope.signed);
}

/** Targets must bind the manifest to its kernel, and name nothing else: there is nothing else that hosts would find. */
async function signedManifest(publication: Publication, targets: Targets): Promise<KernelManifest> {
  const { buildId, manifest } = publication;
  if (targets.targets.size > 1) {
    refuse(
      `targets must name ${manifestTarget(buildId)} and nothing else: it names ${targets.targets.size} paths`,
    );
  }
  return verifyManifest({ targets }, buildId, manifest);
}

/** Those of the manifest's artifacts that wait in staging; every one must be there, whole. */
async function stagedArtifacts(manifest: KernelManifest, ground: Ground): Promise<Sha256Hex[]> {
  const wanted = [
    ...new Map(
      artifactsIn(manifest).map((artifact) => [`${artifact.sha256} ${artifact.length}`, artifact] as const),
    ).values(),
  ];
  const staged: Sha256Hex[] = [];
  for (let at = 0; at < wanted.length; at += LOOKUPS) {
    const found = await Promise.all(
      wanted.slice(at, at + LOOKUPS).map((artifact) => present(artifact, ground)),
    );
    staged.push(...found.filter((one) => one.in === "staging").map((one) => one.sha256));
  }
  return staged;
}

async function present(artifact: Artifact, { findArtifact }: Ground): Promise<FoundArtifact> {
  const found = await findArtifact(artifact.sha256);
  if (!found) return refuse(`artifact ${artifact.sha256} was not staged`);
  if (found.length !== artifact.length) {
    return refuse(
      `artifact ${artifact.sha256} has ${found.length} bytes, the manifest says ${artifact.length}`,
    );
  }
  if (found.sha256 !== artifact.sha256)
    return refuse(`artifact ${artifact.sha256} has other bytes: stage it again`);
  return found;
}

function refuse(message: string): never {
  throw new RebootlessError("refused", message);
}
