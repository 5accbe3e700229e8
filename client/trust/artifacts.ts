import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactPath } from "../../shared/feed/paths.ts";
import type { Artifact } from "../../shared/feed/update.ts";
import type { Feed } from "./feed.ts";
import type { TrustDir } from "./trust_dir.ts";

/**
 * Has an artifact on disk and returns its path. The cached file is read and judged anew each time; the path is
 * given out only for bytes that were just verified, in a folder that only root can write.
 * Throws `trust` for other bytes than were signed for, `unreachable`.
 */
export async function haveArtifact(artifact: Artifact, feed: Feed, directory: TrustDir): Promise<string> {
  const cached = await directory.readArtifact(artifact.sha256);
  if (cached && (await isArtifact(cached, artifact))) return directory.artifactPath(artifact.sha256);
  return directory.writeArtifact(artifact.sha256, await fetchArtifact(artifact, feed));
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
  if (await accepts(fetched.bytes)) return fetched.bytes;
  throw new RebootlessError("trust", `${feed.url}${path} is not the file that was signed for`, {
    hint: "It was damaged or replaced on its way. Nothing was loaded.",
    details: { expected: artifact.sha256, found: await sha256Of(fetched.bytes) },
  });
}

async function isArtifact(bytes: Uint8Array, artifact: Artifact): Promise<boolean> {
  return bytes.length === artifact.length && (await sha256Of(bytes)) === artifact.sha256;
}
