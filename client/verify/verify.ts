import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { ClosedFolder } from "../../node/folder/closed_folder.ts";
import { type BuildId, buildId, isBuildId } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactsOf } from "../../shared/feed/artifacts.ts";
import { artifactPath, feedPath } from "../../shared/feed/paths.ts";
import type { Artifact } from "../../shared/feed/update.ts";
import { MAX_ARTIFACT_BYTES, MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import {
  allEvidence,
  bundleEvidence,
  type EvidenceOptions,
  evidenceFor,
  type VerifiedThing,
} from "./chains.ts";
import { fileKind } from "./file_kind.ts";
import { verifyLoaded } from "./loaded.ts";

/** Verifies a file, a mirror's folder, or a loaded update by its id. Throws if it does not verify. */
export async function verifyThing(what: string, options: EvidenceOptions): Promise<readonly VerifiedThing[]> {
  const found = await stat(what).catch(() => undefined);
  if (!found) return [await verifyLoaded(what, options)];
  return found.isDirectory() ? verifyFolder(what, options) : [await verifyFile(what, options)];
}

async function verifyFile(path: string, options: EvidenceOptions): Promise<VerifiedThing> {
  const bytes = await readNamed(path, MAX_ARTIFACT_BYTES);
  const kind = fileKind(bytes);
  switch (kind.kind) {
    case "bundle":
      return { what: path, kind: "bundle", evidence: await bundleEvidence(bytes, options) };
    case "manifest":
      return verifyManifestFile(path, bytes, buildId(String(kind.buildId)), options);
    case "module":
      return verifyModule(path, bytes, options);
    case "fingerprints":
      return verifyFingerprints(path, bytes, options);
    case "unknown":
      throw new RebootlessError("trust", `${path} is not a kind of file that a feed signs`, {
        hint: "A module, a manifest, a feed.json, a fingerprint file or a mirror's folder can be verified.",
      });
  }
}

async function verifyManifestFile(
  path: string,
  bytes: Uint8Array,
  id: BuildId,
  options: EvidenceOptions,
): Promise<VerifiedThing> {
  const evidence = await evidenceFor(id, options);
  if (evidence && equalBytes(evidence.files.manifest, bytes))
    return { what: path, kind: "manifest", evidence };
  throw new RebootlessError("trust", `${path} is not the manifest that is signed for kernel ${id}`, {
    hint: "It may be of another version than the stored metadata. Give its feed.json with --bundle.",
  });
}

/** Verifies a module by its digest, which some manifest must name. */
async function verifyModule(
  path: string,
  bytes: Uint8Array,
  options: EvidenceOptions,
): Promise<VerifiedThing> {
  const sha256 = sha256Of(bytes);
  for (const evidence of await allEvidence(options)) {
    const update = evidence.manifest.updates.find((one) =>
      artifactsOf(one).some((artifact) => artifact.sha256 === sha256 && artifact.length === bytes.length),
    );
    if (update) return { what: path, kind: "module", evidence, update };
  }
  throw notSigned(path, sha256);
}

async function verifyFingerprints(
  path: string,
  bytes: Uint8Array,
  options: EvidenceOptions,
): Promise<VerifiedThing> {
  const sha256 = sha256Of(bytes);
  const evidence = (await allEvidence(options)).find(
    ({ manifest }) => manifest.fingerprints?.sha256 === sha256,
  );
  if (evidence) return { what: path, kind: "fingerprints", evidence };
  throw notSigned(path, sha256);
}

const notSigned = (path: string, sha256: string): RebootlessError =>
  new RebootlessError("trust", `no verified manifest names ${path}`, {
    hint: "Run `rebootless check`, or give the kernel's feed.json with --bundle.",
    details: { sha256 },
  });

/** Verifies a mirror: every feed.json in it, and every artifact that they name. */
async function verifyFolder(path: string, options: EvidenceOptions): Promise<readonly VerifiedThing[]> {
  const folder = new ClosedFolder(path);
  const verified: VerifiedThing[] = [];
  for (const name of (await folder.names("kernels")).filter(isBuildId)) {
    const path = join(folder.path, feedPath(name));
    const bytes = await readIn(folder, feedPath(name), MAX_BUNDLE_BYTES);
    const evidence = await bundleEvidence(bytes, options);
    if (evidence.manifest.kernel.buildId !== name) {
      throw new RebootlessError("trust", `${path} is the feed of kernel ${evidence.manifest.kernel.buildId}`);
    }
    verified.push({ what: path, kind: "bundle", evidence });
    for (const update of evidence.manifest.updates) {
      for (const artifact of artifactsOf(update)) {
        const what = `the module that was signed for under ${update.id}`;
        verified.push({
          what: await requireArtifact(folder, artifact, what),
          kind: "module",
          evidence,
          update,
        });
      }
    }
    const { fingerprints } = evidence.manifest;
    if (fingerprints) {
      const what = `the fingerprint file that was signed for kernel ${name}`;
      verified.push({
        what: await requireArtifact(folder, fingerprints, what),
        kind: "fingerprints",
        evidence,
      });
    }
  }
  if (verified.length > 0) return verified;
  throw new RebootlessError("trust", `${path} does not contain a feed`, {
    hint: "A mirror has kernels/<build-id>/feed.json.",
  });
}

/** Verifies an artifact in a mirror, and returns its path. */
async function requireArtifact(folder: ClosedFolder, { sha256 }: Artifact, what: string): Promise<string> {
  const path = join(folder.path, artifactPath(sha256));
  const bytes = await readIn(folder, artifactPath(sha256), MAX_ARTIFACT_BYTES);
  if (sha256Of(bytes) === sha256) return path;
  throw new RebootlessError("trust", `${path} is not ${what}`);
}

/** Reads a file of a mirror, which others control: links are not followed, and pipes are not waited for. */
async function readIn(folder: ClosedFolder, path: string, maxBytes: number): Promise<Uint8Array> {
  const reading = await folder.read(path, maxBytes);
  if (reading.kind === "bytes") return reading.bytes;
  const full = join(folder.path, path);
  if (reading.kind === "large") {
    throw new RebootlessError("limit", `${full} has more than ${maxBytes} bytes`);
  }
  const problem = reading.kind === "nothing" ? "is missing" : "is not a regular file";
  throw new RebootlessError("trust", `${full} ${problem}`);
}
