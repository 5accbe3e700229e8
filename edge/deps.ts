import type { AuditLog } from "./audit/log.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import type { Config } from "./config.ts";
import type { PublisherQueue, TokenLedger } from "./publish/ports.ts";
import type { Store } from "./store/store.ts";

/** Everything that an edge is put together from. Each route names the part of it that it takes. */
export interface AppDeps extends Config {
  readonly store: Store;
  readonly queue: PublisherQueue;
  readonly ledger: TokenLedger;
  readonly audit: AuditLog;
  readonly catalogue: Catalogue;
  /** Receives errors that were not thrown on purpose. */
  readonly report: (error: unknown) => void;
}
