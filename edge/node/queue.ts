import type { PublisherQueue } from "../publish/ports.ts";
import { publish, publishRoot, type RepositoryDeps, renew } from "../publish/repository.ts";
import { Serial } from "../publish/serial.ts";

/** One line for each kernel, as long as somebody waits in it, and one for the root. */
export function processQueue(deps: RepositoryDeps): PublisherQueue {
  const lines = new Map<string, { readonly line: Serial; waiting: number }>();
  const run = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const entry = lines.get(name) ?? { line: new Serial(), waiting: 0 };
    lines.set(name, entry);
    entry.waiting++;
    try {
      return await entry.line.run(work);
    } finally {
      if (--entry.waiting === 0) lines.delete(name);
    }
  };
  return {
    publish: (publication) => run(publication.buildId, () => publish(deps, publication)),
    publishRoot: (bytes) => run("root", () => publishRoot(deps, bytes)),
    renew: (id) => run(id, () => renew(deps, id)),
  };
}
