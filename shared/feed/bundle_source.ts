import type { MetadataSource } from "../tuf/refresh.ts";
import { statedRootVersion } from "../tuf/schema.ts";
import type { Bundle } from "./bundle.ts";

/**
 * The files of a bundle as a source for the client workflow. Roots older than those bundled are fetched by
 * their own names; one newer than the newest bundled does not exist as far as this feed says.
 *
 * @param fetchRoot undefined for an explicit "there is none".
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
