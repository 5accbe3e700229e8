import type { Feed } from "../../node/transport/feed.ts";
import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { metadataPath } from "../../shared/feed/paths.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import type { MetadataSource, MetadataStore } from "../../shared/tuf/refresh.ts";
import type { TopRole } from "../../shared/tuf/schema.ts";

/** Roots that are too old to travel in the bundle. */
export const rootsOf = (feed: Feed, buildId: BuildId) => async (version: number) => {
  const path = `${metadataPath(buildId)}/${version}.root.json`;
  const fetched = await feed.get(path, { maxBytes: MAX_ROOT_BYTES });
  return fetched.status === "ok" ? fetched.bytes : undefined;
};

/** What was verified before, once more: for a feed that says "not modified", and for runs without one. */
export function cachedSource(store: MetadataStore): MetadataSource {
  const cached = async (role: TopRole) => {
    const bytes = await store.read(role);
    if (bytes) return bytes;
    throw new RebootlessError("trust", `no ${role} is cached`, { hint: "Run `rebootless check`." });
  };
  return {
    root: async () => undefined,
    timestamp: () => cached("timestamp"),
    snapshot: () => cached("snapshot"),
    targets: () => cached("targets"),
  };
}
