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
import type { SignatureVerifier } from "../../shared/tuf/keys.ts";
import { decodeTargets, parseEnvelope, type Root, type Targets } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { goodSignatures } from "../../shared/tuf/verify.ts";
import { isLimited, requireAuthority } from "./authority.ts";
import type { Publishers } from "./publishers.ts";

/** What a publication is judged against. */
export interface Ground {
  /** The root in force. */
  readonly root: Root;
  /** Version of the kernel's targets in force, 0 when it has none. */
  readonly current: number;
  /** The manifest in force. */
  readonly manifest: Uint8Array | undefined;
  /** Whose token came with it. */
  readonly by: string;
  readonly publishers: Publishers;
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
  | {
      readonly kind: "accepted";
      readonly version: number;
      readonly staged: readonly Sha256Hex[];
      /** Named by the manifest and nowhere to be found: empty unless they may be missing. */
      readonly missing: readonly Sha256Hex[];
    }
  /** Somebody else published since `base`. */
  | { readonly kind: "conflict"; readonly current: number };

interface SignedTargets {
  readonly targets: Targets;
  /** Ids of the keys whose signatures are good; where nobody is limited, of as many as are needed. */
  readonly signers: readonly string[];
}

/** Artifacts looked up at the same time. */
const LOOKUPS = 16;

/**
 * Judges a publish whole, before anything is written. Throws RebootlessError with what failed: `trust`,
 * `expired`, `parse`, `limit`, `not_permitted` or `refused`.
 *
 * @param mayMiss artifacts that are not there yet: of a publish that is only tried.
 */
export async function accept(publication: Publication, ground: Ground, mayMiss = false): Promise<Verdict> {
  const { targets, signers } = await signedTargets(publication.targets, ground);
  if (targets.version !== publication.base + 1) {
    refuse(`targets has version ${targets.version} where ${publication.base + 1} follows the base`);
  }
  const follows = publication.restored
    ? ground.current <= publication.base
    : ground.current === publication.base;
  if (!follows) return { kind: "conflict", current: ground.current };
  if (targets.expires <= ground.now) {
    throw new RebootlessError("expired", `targets expired at ${formatInstant(targets.expires)}`);
  }
  const manifest = await signedManifest(publication, targets);
  requireAuthority(
    {
      by: ground.by,
      signers,
      threshold: roleOf(ground.root, "targets").threshold,
      kernel: manifest.kernel,
      before: () => ground.manifest && decodeManifest(ground.manifest).kernel,
    },
    ground.publishers,
  );
  const { staged, missing } = await findArtifacts(manifest, ground);
  const [first] = missing;
  if (first !== undefined && !mayMiss) refuse(`artifact ${first} was not staged`);
  return { kind: "accepted", version: targets.version, staged, missing };
}

async function signedTargets(
  bytes: Uint8Array,
  { root, verify, publishers }: Ground,
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

/** Targets must bind the manifest to its kernel, and name nothing else: there is nothing else that hosts would find. */
async function signedManifest(publication: Publication, targets: Targets): Promise<KernelManifest> {
  const { buildId, manifest } = publication;
  if (targets.targets.size > 1) {
    refuse(
      `targets must name ${manifestTarget(buildId)} and nothing else: it names ${counted(targets.targets.size, "path")}`,
    );
  }
  return verifyManifest({ targets }, buildId, manifest);
}

/** Where the manifest's artifacts are; each that is somewhere must be there whole. */
async function findArtifacts(manifest: KernelManifest, ground: Ground) {
  const wanted = [
    ...new Map(
      artifactsIn(manifest).map((artifact) => [`${artifact.sha256} ${artifact.length}`, artifact] as const),
    ).values(),
  ];
  const places = await inParallel(wanted, LOOKUPS, (artifact) => placeOf(artifact, ground));
  const at = (place: Place) => wanted.filter((_, i) => places[i] === place).map(({ sha256 }) => sha256);
  return { staged: at("staging"), missing: at("nowhere") };
}

type Place = FoundArtifact["in"] | "nowhere";

async function placeOf(artifact: Artifact, { findArtifact }: Ground): Promise<Place> {
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
