import type { AuditLog } from "./audit/log.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import type { EdgeConfig } from "./config.ts";
import type { PublisherQueue } from "./publish/queue.ts";
import type { TokenLedger } from "./publish/token_ledger.ts";
import type { Store } from "./store/store.ts";

/** All the parts that an edge is put together from. Each route names those that it takes. */
export interface AppDeps extends EdgeConfig {
  readonly store: Store;
  readonly queue: PublisherQueue;
  readonly ledger: TokenLedger;
  readonly audit: AuditLog;
  readonly catalogue: Catalogue;
  /** Receives errors that were not thrown on purpose. */
  readonly report: (error: unknown) => void;
}
