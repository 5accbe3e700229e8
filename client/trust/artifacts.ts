import { sha256Of } from "../../node/crypto.ts";
import type { OpenBytes } from "../../node/own_file.ts";
import type { Feed } from "../../node/transport/feed.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactPath } from "../../shared/feed/paths.ts";
import type { Artifact } from "../../shared/feed/update.ts";
import type { TrustDir } from "./trust_dir.ts";

/**
 * Opens an artifact: this host's copy, or else the one that it fetches. The bytes behind the descriptor were verified, so
 * whoever loads it loads these bytes, whatever happens to the path meanwhile. The caller closes it.
 *
 * @throws RebootlessError `trust` for other bytes than were signed, `unreachable`, `io`.
 */
export async function openArtifact(artifact: Artifact, feed: Feed, directory: TrustDir): Promise<OpenBytes> {
  const cached = await openVerified(artifact, directory);
  if (cached) return cached;
  await directory.writeArtifact(artifact.sha256, await fetchArtifact(artifact, feed));
  const written = await openVerified(artifact, directory);
  if (written) return written;
  throw new RebootlessError("io", `the copy of ${artifact.sha256} is not what was written a moment before`, {
    hint: "Somebody else writes below the state folder, or the disk is failing. Nothing was loaded.",
  });
}

async function openVerified(artifact: Artifact, directory: TrustDir): Promise<OpenBytes | undefined> {
  const file = directory.openArtifact(artifact.sha256);
  if (file && isArtifact(file.bytes, artifact)) return file;
  file?.close();
  return undefined;
}

async function fetchArtifact(artifact: Artifact, feed: Feed): Promise<Uint8Array> {
  const path = artifactPath(artifact.sha256);
  const accepts = (bytes: Uint8Array) => isArtifact(bytes, artifact);
  const fetched = await feed.get(path, { maxBytes: artifact.length, download: true, accepts });
  if (fetched.status !== "ok") {
    throw new RebootlessError("unreachable", `${feed.url}${path} is missing from the feed`, {
      hint: "The feed is incomplete; a mirror may be in the middle of a synchronisation. Nothing was changed.",
    });
  }
  if (accepts(fetched.bytes)) return fetched.bytes;
  throw new RebootlessError("trust", `${feed.url}${path} is not the file that was signed for`, {
    hint: "It was damaged or replaced on its way. Nothing was loaded.",
    details: { expected: artifact.sha256, found: sha256Of(fetched.bytes) },
  });
}

const isArtifact = (bytes: Uint8Array, { length, sha256 }: Artifact): boolean =>
  bytes.length === length && sha256Of(bytes) === sha256;
