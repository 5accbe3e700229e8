import type { MetadataSource } from "../tuf/refresh.ts";
import { statedRootVersion } from "../tuf/schema.ts";
import type { Bundle } from "./bundle.ts";

/**
 * Returns the files of a bundle as a source for the client workflow. Roots older than those in the bundle are fetched by
 * their own names; a newer one does not exist, as far as this feed says.
 *
 * @param fetchRoot returns undefined only for an explicit "not found".
 */
export function bundleSource(
  bundle: Bundle,
  fetchRoot: (version: number) => Promise<Uint8Array | undefined>,
): MetadataSource {
  // The workflow checks the versions again, under the signatures.
  const bundled = new Map(bundle.roots.map((bytes) => [statedRootVersion(bytes), bytes]));
  const newest = Math.max(1, ...bundled.keys());
  return {
    async root(version) {
      if (version > newest) return undefined;
      return bundled.get(version) ?? (await fetchRoot(version));
    },
    timestamp: async () => bundle.timestamp,
    snapshot: async () => bundle.snapshot,
    targets: async () => bundle.targets,
  };
}
