import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { BuildId } from "../../shared/brand.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import { MINUTE } from "../../shared/time.ts";
import { type EdgeEnv, repositoryDeps } from "../bindings.ts";
import type { PublisherQueue } from "./ports.ts";
import { type PublishOutcome, publish, publishRoot, type RenewOutcome, renew } from "./repository.ts";
import { Serial } from "./serial.ts";

/** After a renewal that failed, readers are not made to wait for the next one. */
const RENEW_PAUSE = MINUTE;

/** One for each kernel, named by its build ID, and one named `root`: whatever changes a feed waits here in line. */
export class PublishQueue extends DurableObject<EdgeEnv> {
  readonly #line = new Serial();
  #failed: { readonly outcome: RenewOutcome; readonly at: number } | undefined;

  publish(publication: Publication): Promise<PublishOutcome> {
    return this.#line.run(async () => publish(await repositoryDeps(this.env), publication));
  }

  publishRoot(bytes: Uint8Array): Promise<PublishOutcome> {
    return this.#line.run(async () => publishRoot(await repositoryDeps(this.env), bytes));
  }

  renew(id: BuildId): Promise<RenewOutcome> {
    return this.#line.run(async () => {
      const deps = await repositoryDeps(this.env);
      if (this.#failed && deps.clock() < this.#failed.at + RENEW_PAUSE) return this.#failed.outcome;
      const outcome = await renew(deps, id);
      const failed = outcome.kind === "refused" || outcome.kind === "misconfigured";
      this.#failed = failed ? { outcome, at: deps.clock() } : undefined;
      return outcome;
    });
  }
}

export function queueOf(namespace: DurableObjectNamespace<PublishQueue>): PublisherQueue {
  const named = (name: string) => namespace.get(namespace.idFromName(name));
  return {
    publish: (publication) => named(publication.buildId).publish(publication),
    publishRoot: (bytes) => named("root").publishRoot(bytes),
    renew: (id) => named(id).renew(id),
  };
}
