import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { BuildId } from "../../shared/brand.ts";
import { groupBy } from "../../shared/group_by.ts";
import { MINUTE } from "../../shared/time.ts";
import { Lines } from "../publish/lines.ts";
import type { PublisherQueue } from "../publish/ports.ts";
import {
  type Answered,
  type Order,
  type PublishOutcome,
  publish,
  publishRoot,
  type RenewOutcome,
  renew,
} from "../publish/repository.ts";
import { type EdgeEnv, repositoryDeps } from "./bindings.ts";

/** After a renewal that failed, readers are not made to wait for the next one. */
const RENEW_PAUSE = MINUTE;

interface Failed {
  readonly outcome: RenewOutcome;
  readonly at: number;
}

/**
 * One for all kernels whose build IDs begin alike, with a line in it for each, and one named `root`: whatever changes a
 * feed waits there. An order whose kernels are sorted goes to few of them, and 256 are enough to share the load.
 */
export class PublishQueue extends DurableObject<EdgeEnv> {
  readonly #lines = new Lines();
  readonly #failed = new Map<BuildId, Failed>();

  async publish(order: Order): Promise<readonly Answered[]> {
    return publish(await repositoryDeps(this.env), this.#lines, order);
  }

  publishRoot(by: string, roots: readonly Uint8Array[]): Promise<PublishOutcome> {
    return this.#lines.run("root", async () => publishRoot(await repositoryDeps(this.env), by, roots));
  }

  renew(id: BuildId): Promise<RenewOutcome> {
    return this.#lines.run(id, async () => {
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

export function queueOf(namespace: DurableObjectNamespace<PublishQueue>): PublisherQueue {
  const named = (name: string) => namespace.get(namespace.idFromName(name));
  return {
    publish: async (order) => {
      const groups = groupBy(order.publications, ({ buildId }) => objectOf(buildId));
      const answers = [...groups].map(([name, publications]) =>
        named(name).publish({ ...order, publications }),
      );
      return (await Promise.all(answers)).flat();
    },
    publishRoot: (by, roots) => named("root").publishRoot(by, roots),
    renew: (id) => named(objectOf(id)).renew(id),
  };
}
