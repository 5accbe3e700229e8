import { KeyedMutex } from "../keyed_mutex.ts";
import type { PublisherQueue } from "../publish/queue.ts";
import { publish, publishRoot, type RepositoryDeps, renew } from "../publish/repository.ts";

/**
 * Returns a queue in this process: one for each kernel, as long as a call waits in it, and one for the root.
 */
export function processQueue(deps: RepositoryDeps): PublisherQueue {
  const mutex = new KeyedMutex();
  return {
    publish: (request) => publish(deps, mutex, request),
    publishRoot: (by, roots) => mutex.run("root", () => publishRoot(deps, by, roots)),
    renew: (id) => mutex.run(id, () => renew(deps, id)),
  };
}
