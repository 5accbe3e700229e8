import { type BuildId, buildId, type Sha256Hex } from "../brand.ts";

/** Where things are, relative to the feed's base URL: the same for the edge, a mirror and a folder. */

export const kernelPath = (id: BuildId): string => `kernels/${id}`;
/** Everything a host needs to know about its kernel, in one answer. */
export const feedPath = (id: BuildId): string => `${kernelPath(id)}/feed.json`;
/** The build ID of the kernel whose feed.json this is the path of, or undefined. */
export function feedPathBuildId(path: string): BuildId | undefined {
  const id = /^kernels\/([0-9a-f]{16,64})\/feed\.json$/.exec(path)?.[1];
  return id === undefined || id.length % 2 !== 0 ? undefined : buildId(id);
}
/** What the feed's updates would mend in the kernel as it was built, for scanners. */
export const openvexPath = (id: BuildId): string => `${kernelPath(id)}/openvex.json`;
/** Base of the kernel's repository for any TUF client: `<N>.root.json`, `timestamp.json` and so on lie below. */
export const metadataPath = (id: BuildId): string => `${kernelPath(id)}/metadata`;
/** Base of the kernel's targets for any TUF client. */
export const targetsPath = (id: BuildId): string => `${kernelPath(id)}/targets`;
/** A version of the root of trust, which is the same for all kernels. */
export const rootPath = (version: number): string => `root/${version}.root.json`;
/** Modules, named by what they are: nobody chooses these names. */
export const artifactPath = (sha256: Sha256Hex): string => `artifacts/${sha256}`;

/** The one target of a kernel's repository. The build ID in it is what binds signed metadata to one kernel. */
export const manifestTarget = (id: BuildId): string => `kernels/${id}.json`;

/** The build ID that a manifest's target path names, or undefined if it is not such a path. */
export function manifestTargetBuildId(path: string): BuildId | undefined {
  const id = /^kernels\/([0-9a-f]{16,64})\.json$/.exec(path)?.[1];
  return id === undefined || id.length % 2 !== 0 ? undefined : buildId(id);
}

/** Consistent snapshots (TUF specification 5.7.3): the digest goes before the file's name. */
export const consistentTarget = (id: BuildId, sha256: Sha256Hex): string => `kernels/${sha256}.${id}.json`;
