import { type BuildId, buildId, type Sha256Hex } from "../brand.ts";

/**
 * These are the paths of a feed's files, relative to its base URL. They are the same for the edge, a mirror
 * and a folder.
 */

export const kernelPath = (id: BuildId): string => `kernels/${id}`;
/** Returns the path of feed.json, which has everything that a host needs to know about its kernel. */
export const feedPath = (id: BuildId): string => `${kernelPath(id)}/feed.json`;
/** Returns the build ID of the kernel whose feed.json has this path, or undefined for another path. */
export function feedPathBuildId(path: string): BuildId | undefined {
  const id = /^kernels\/([0-9a-f]{16,64})\/feed\.json$/.exec(path)?.[1];
  return id === undefined || id.length % 2 !== 0 ? undefined : buildId(id);
}
/**
 * Returns the path of a kernel's OpenVEX document. It tells scanners what the feed's updates would fix in the
 * kernel as it was built.
 */
export const openvexPath = (id: BuildId): string => `${kernelPath(id)}/openvex.json`;
/**
 * Returns the base of the kernel's repository for any TUF client. `<N>.root.json`, `timestamp.json` and so on
 * lie below it.
 */
export const metadataPath = (id: BuildId): string => `${kernelPath(id)}/metadata`;
/** Returns the base of the kernel's targets for any TUF client. */
export const targetsPath = (id: BuildId): string => `${kernelPath(id)}/targets`;
/** Returns the path of a version of the root of trust, which is the same for all kernels. */
export const rootPath = (version: number): string => `root/${version}.root.json`;
/** Returns the path of an artifact. It is named by its digest, so its name is not chosen by anyone. */
export const artifactPath = (sha256: Sha256Hex): string => `artifacts/${sha256}`;

/**
 * Returns the name of the one target of a kernel's repository. The build ID in it binds signed metadata to
 * one kernel.
 */
export const manifestTarget = (id: BuildId): string => `kernels/${id}.json`;

/** Returns the build ID that a manifest's target path names, or undefined for another path. */
export function manifestTargetBuildId(path: string): BuildId | undefined {
  const id = /^kernels\/([0-9a-f]{16,64})\.json$/.exec(path)?.[1];
  return id === undefined || id.length % 2 !== 0 ? undefined : buildId(id);
}

/**
 * Returns the path of a manifest under consistent snapshots (TUF specification 5.7.3): the digest goes before
 * the file's name.
 */
export const consistentTarget = (id: BuildId, sha256: Sha256Hex): string => `kernels/${sha256}.${id}.json`;
