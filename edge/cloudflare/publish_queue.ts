import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { BuildId } from "../../shared/brand.ts";
import { groupBy } from "../../shared/group_by.ts";
import { MINUTE } from "../../shared/time.ts";
import { KeyedMutex } from "../keyed_mutex.ts";
import type { KernelOutcome, PublishOutcome, RenewOutcome } from "../publish/outcome.ts";
import type { PublisherQueue, PublishRequest } from "../publish/queue.ts";
import { publish, publishRoot, renew } from "../publish/repository.ts";
import { type EdgeEnv, repositoryDeps } from "./bindings.ts";

/**
 * The time after a failed renewal in which the next one is not tried. Readers get the outcome of the failed
 * one at once.
 */
const RENEW_PAUSE = MINUTE;

interface FailedRenewal {
  readonly outcome: RenewOutcome;
  readonly at: number;
}

/**
 * The queue of all kernels whose build IDs begin with the same two digits. The root has one more object,
 * named `root`. Every change of a feed goes through its object, one change of a kernel after the other. A
 * request whose kernels are sorted goes to few objects, and 256 of them are enough to share the load.
 */
export class PublishQueue extends DurableObject<EdgeEnv> {
  readonly #mutex = new KeyedMutex();
  readonly #failed = new Map<BuildId, FailedRenewal>();

  async publish(request: PublishRequest): Promise<readonly KernelOutcome[]> {
    return publish(await repositoryDeps(this.env), this.#mutex, request);
  }

  publishRoot(by: string, roots: readonly Uint8Array[]): Promise<PublishOutcome> {
    return this.#mutex.run("root", async () => publishRoot(await repositoryDeps(this.env), by, roots));
  }

  renew(id: BuildId): Promise<RenewOutcome> {
    return this.#mutex.run(id, async () => {
      const deps = await repositoryDeps(this.env);
      const last = this.#failed.get(id);
      if (last && deps.clock() < last.at + RENEW_PAUSE) return last.outcome;
      const outcome = await renew(deps, id);
      const failed = outcome.kind === "refused" || outcome.kind === "misconfigured";
      if (failed) this.#failed.set(id, { outcome, at: deps.clock() });
      else this.#failed.delete(id);
      return outcome;
    });
  }
}

const objectOf = (id: BuildId): string => `kernels-${id.slice(0, 2)}`;

export function publishQueueOf(namespace: DurableObjectNamespace<PublishQueue>): PublisherQueue {
  const named = (name: string) => namespace.get(namespace.idFromName(name));
  return {
    publish: async (request) => {
      const groups = groupBy(request.publications, ({ buildId }) => objectOf(buildId));
      const outcomes = [...groups].map(([name, publications]) =>
        named(name).publish({ ...request, publications }),
      );
      return (await Promise.all(outcomes)).flat();
    },
    publishRoot: (by, roots) => named("root").publishRoot(by, roots),
    renew: (id) => named(objectOf(id)).renew(id),
  };
}
