import { type AppDeps, createApp } from "../../../edge/app.ts";
import { MemoryCatalogue } from "../../../edge/catalogue/memory.ts";
import { readConfig } from "../../../edge/config.ts";
import type { PublisherQueue } from "../../../edge/publish/ports.ts";
import { publish, publishRoot, type RepositoryDeps, renew } from "../../../edge/publish/repository.ts";
import { Serial } from "../../../edge/publish/serial.ts";
import { MemoryStore } from "../../../edge/store/memory.ts";
import type { Store } from "../../../edge/store/store.ts";
import type { Clock } from "../../../shared/time.ts";
import { answerOf, type Send, TestPublisher } from "./edge.ts";
import { type Ceremony, secrets } from "./repository.ts";

/** The edge without Cloudflare: a store in memory, a queue in the process, and a clock that the test moves. */
export interface InProcess {
  readonly store: Store;
  readonly send: Send;
  readonly publisher: TestPublisher;
  /** What the app reported as unexpected. */
  readonly reports: unknown[];
  readonly deps: AppDeps;
}

export async function inProcess(
  made: Ceremony,
  clock: Clock,
  options: {
    readonly store?: Store;
    readonly online?: Parameters<typeof secrets>[1];
    readonly queue?: (real: PublisherQueue) => PublisherQueue;
  } = {},
): Promise<InProcess> {
  const store = options.store ?? new MemoryStore();
  const config = { ...(await readConfig(secrets(made, options.online))), clock };
  const queue = inProcessQueue({ ...config, store });
  const catalogue = new MemoryCatalogue();
  const spent = new Set<string>();
  const reports: unknown[] = [];
  const deps: AppDeps = {
    ...config,
    store,
    queue: options.queue?.(queue) ?? queue,
    catalogue,
    ledger: { spend: async (_, id) => !spent.has(id) && spent.add(id).has(id) },
    report: (error) => reports.push(error),
  };
  const app = createApp(deps);
  const send: Send = async (method, path, init = {}) =>
    answerOf(
      await app.fetch(
        new Request(`http://edge.test${path}`, {
          method,
          headers: { ...init.headers },
          ...(init.body && { body: init.body.slice() }),
        }),
      ),
    );
  return { store, send, publisher: new TestPublisher(made, send), reports, deps };
}

function inProcessQueue(deps: RepositoryDeps): PublisherQueue {
  const line = new Serial();
  return {
    publish: (publication) => line.run(() => publish(deps, publication)),
    publishRoot: (bytes) => line.run(() => publishRoot(deps, bytes)),
    renew: (id) => line.run(() => renew(deps, id)),
  };
}
