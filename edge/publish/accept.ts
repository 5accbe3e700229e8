import type { Sha256Hex } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactsIn } from "../../shared/feed/artifacts.ts";
import { verifyManifest } from "../../shared/feed/binding.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { Artifact } from "../../shared/feed/update.ts";
import { inParallel } from "../../shared/parallel.ts";
import { formatInstant, type Instant } from "../../shared/time.ts";
import { decodeTargets, parseEnvelope, type Root, type Targets } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import type { Verifier } from "../../shared/tuf/verifier.ts";
import { goodSignatures } from "../../shared/tuf/verify.ts";
import { isLimited, requireAuthority } from "./authority.ts";
import type { Publishers } from "./publishers.ts";
import { requireTrials } from "./required_trials.ts";

/** The state that a publication is checked against. */
export interface AcceptContext extends Verifier {
  /** The root in force. */
  readonly root: Root;
  /** The version of the kernel's targets in force; 0 when it has none. */
  readonly currentVersion: number;
  /** The manifest in force. */
  readonly manifest: Uint8Array | undefined;
  /** The id of the publisher whose token came with it. */
  readonly by: string;
  readonly publishers: Publishers;
  /** True if new updates must say that they were tried. */
  readonly requireTried: boolean;
  readonly now: Instant;
  /** Finds an artifact; the bytes of one that is only staged are hashed. */
  readonly findArtifact: (sha256: Sha256Hex) => Promise<FoundArtifact | undefined>;
}

export interface FoundArtifact {
  readonly in: "artifacts" | "staging";
  /** The digest of the bytes that are there. */
  readonly sha256: Sha256Hex;
  /** The length in bytes. */
  readonly length: number;
}

export type Acceptance =
  | {
      readonly kind: "accepted";
      readonly version: number;
      readonly staged: readonly Sha256Hex[];
      /** Artifacts that the manifest names and that were not sent: empty except in a dry run. */
      readonly missing: readonly Sha256Hex[];
    }
  /** The outcome if another publish came after the version that this one is based on. */
  | { readonly kind: "conflict"; readonly current: number };

interface SignedTargets {
  readonly targets: Targets;
  /** The ids of the keys with good signatures: all of them where publishers are limited, else as many as are needed. */
  readonly signers: readonly string[];
}

/** The number of artifacts that are looked up at the same time. */
const LOOKUPS = 16;

/**
 * Checks all of a publication, before anything is written.
 *
 * @param mayMiss accepts a publication whose artifacts were not sent yet, as a dry run does.
 * @throws RebootlessError `trust`, `expired`, `parse`, `limit`, `not_permitted` or `refused`.
 */
export async function accept(
  publication: Publication,
  context: AcceptContext,
  mayMiss = false,
): Promise<Acceptance> {
  const { targets, signers } = await signedTargets(publication.targets, context);
  if (targets.version !== publication.base + 1) {
    refuse(
      `targets has version ${targets.version}, and must have ${publication.base + 1}, the one after its base`,
    );
  }
  const follows = publication.restored
    ? context.currentVersion <= publication.base
    : context.currentVersion === publication.base;
  if (!follows) return { kind: "conflict", current: context.currentVersion };
  if (targets.expires <= context.now) {
    throw new RebootlessError("expired", `targets expired at ${formatInstant(targets.expires)}`);
  }
  const manifest = await signedManifest(publication, targets, context);
  const before = () => (context.manifest === undefined ? undefined : decodeManifest(context.manifest));
  requireAuthority(
    {
      by: context.by,
      signers,
      threshold: roleOf(context.root, "targets").threshold,
      kernel: manifest.kernel,
      before: () => before()?.kernel,
    },
    context.publishers,
  );
  if (context.requireTried) requireTrials(manifest, before());
  const { staged, missing } = await findArtifacts(manifest, context);
  const [first] = missing;
  if (first !== undefined && !mayMiss) refuse(`artifact ${first} was not staged`);
  return { kind: "accepted", version: targets.version, staged, missing };
}

async function signedTargets(
  bytes: Uint8Array,
  { root, verify, publishers }: AcceptContext,
): Promise<SignedTargets> {
  const envelope = parseEnvelope(bytes, "targets");
  const role = roleOf(root, "targets");
  const signers: string[] = [];
  const all = isLimited(publishers);
  for await (const id of goodSignatures(envelope, role, root.keys, verify)) {
    signers.push(id);
    if (!all && signers.length >= role.threshold) break;
  }
  if (signers.length < role.threshold) {
    throw new RebootlessError(
      "trust",
      `targets has ${signers.length} good signatures of the ${role.threshold} it needs`,
    );
  }
  return { targets: decodeTargets(envelope.signed), signers };
}

/** Verifies that targets binds the manifest to its kernel, and names nothing else: hosts would find nothing else. */
async function signedManifest(
  publication: Publication,
  targets: Targets,
  { digests }: AcceptContext,
): Promise<KernelManifest> {
  const { buildId, manifest } = publication;
  if (targets.targets.size > 1) {
    refuse(
      `targets must name ${manifestTarget(buildId)} and nothing else: it names ${counted(targets.targets.size, "path")}`,
    );
  }
  return verifyManifest({ targets }, buildId, manifest, digests);
}

/** Finds the manifest's artifacts. Refuses one that is there with another length or other bytes. */
async function findArtifacts(manifest: KernelManifest, context: AcceptContext) {
  const wanted = [
    ...new Map(
      artifactsIn(manifest).map((artifact) => [`${artifact.sha256} ${artifact.length}`, artifact] as const),
    ).values(),
  ];
  const places = await inParallel(wanted, LOOKUPS, (artifact) => locate(artifact, context));
  const at = (place: Location) => wanted.filter((_, i) => places[i] === place).map(({ sha256 }) => sha256);
  return { staged: at("staging"), missing: at("nowhere") };
}

type Location = FoundArtifact["in"] | "nowhere";

async function locate(artifact: Artifact, { findArtifact }: AcceptContext): Promise<Location> {
  const found = await findArtifact(artifact.sha256);
  if (!found) return "nowhere";
  if (found.length !== artifact.length) {
    return refuse(
      `artifact ${artifact.sha256} has ${counted(found.length, "byte")}, the manifest says ${artifact.length}`,
    );
  }
  if (found.sha256 !== artifact.sha256)
    return refuse(`artifact ${artifact.sha256} has other bytes: stage it again`);
  return found.in;
}

function refuse(message: string): never {
  throw new RebootlessError("refused", message);
}
