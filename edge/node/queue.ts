import { Lines } from "../publish/lines.ts";
import type { PublisherQueue } from "../publish/ports.ts";
import { publish, publishRoot, type RepositoryDeps, renew } from "../publish/repository.ts";

/** One line for each kernel, as long as somebody waits in it, and one for the root. */
export function processQueue(deps: RepositoryDeps): PublisherQueue {
  const lines = new Lines();
  return {
    publish: (order) => publish(deps, lines, order),
    publishRoot: (by, roots) => lines.run("root", () => publishRoot(deps, by, roots)),
    renew: (id) => lines.run(id, () => renew(deps, id)),
  };
}
