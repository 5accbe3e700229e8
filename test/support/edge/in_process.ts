import { createApp } from "../../../edge/app.ts";
import { StoredAuditLog } from "../../../edge/audit/log.ts";
import type { Catalogue } from "../../../edge/catalogue/catalogue.ts";
import { MemoryCatalogue } from "../../../edge/catalogue/memory_catalogue.ts";
import { readEdgeConfig } from "../../../edge/config.ts";
import type { AppDeps } from "../../../edge/deps.ts";
import { processQueue } from "../../../edge/node/publish_queue.ts";
import { storeLedger } from "../../../edge/node/token_ledger.ts";
import type { PublisherQueue } from "../../../edge/publish/queue.ts";
import { MemoryStore } from "../../../edge/store/memory_store.ts";
import type { Store } from "../../../edge/store/store.ts";
import { webCrypto } from "../../../shared/crypto/web_crypto.ts";
import type { Clock } from "../../../shared/time.ts";
import { answerOf, type Send, TestPublisher } from "./edge.ts";
import { type Ceremony, secrets } from "./repository.ts";

/** The edge without Cloudflare: a store in memory, a queue in the process, and a clock that the test moves. */
export interface InProcess {
  readonly store: Store;
  readonly send: Send;
  readonly publisher: TestPublisher;
  /** The errors that the app reported. */
  readonly reports: unknown[];
  readonly deps: AppDeps;
}

export async function inProcess(
  made: Ceremony,
  clock: Clock,
  options: {
    readonly store?: Store;
    readonly online?: Parameters<typeof secrets>[1];
    /** PUBLISHERS, in place of one publisher without limits. */
    readonly publishers?: string;
    /** Bindings in place of the usual ones; undefined for a missing one. */
    readonly bindings?: Readonly<Record<string, string | undefined>>;
    readonly catalogue?: Catalogue;
    readonly queue?: (real: PublisherQueue) => PublisherQueue;
  } = {},
): Promise<InProcess> {
  const store = options.store ?? new MemoryStore();
  const bindings = { ...secrets(made, options.online), ...options.bindings };
  const PUBLISHERS = options.publishers ?? bindings["PUBLISHERS"];
  const config = { ...(await readEdgeConfig({ ...bindings, PUBLISHERS }, webCrypto())), clock };
  const queue = processQueue({ ...config, store });
  const catalogue = options.catalogue ?? new MemoryCatalogue();
  const reports: unknown[] = [];
  const deps: AppDeps = {
    ...config,
    store,
    queue: options.queue?.(queue) ?? queue,
    catalogue,
    limits: { ...config.limits },
    audit: new StoredAuditLog(store, clock, config.digests),
    ledger: storeLedger(new MemoryStore(), clock),
    report: (error) => reports.push(error),
  };
  const app = createApp(deps);
  const send: Send = async (method, path, init = {}) =>
    answerOf(
      await app.fetch(
        new Request(`http://localhost${path}`, {
          method,
          headers: { ...init.headers },
          ...(init.body && { body: init.body.slice() }),
        }),
      ),
    );
  return { store, send, publisher: new TestPublisher(made, send), reports, deps };
}
