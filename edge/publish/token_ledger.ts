import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { type Instant, systemClock } from "../../shared/time.ts";
import type { TokenLedger as TokenLedgerPort } from "./ports.ts";

/** One for each publisher: the ids of tokens that were used and could be used again. */
export class TokenLedger extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS spent (id TEXT PRIMARY KEY, until INTEGER NOT NULL)",
    );
    this.ctx.storage.sql.exec("CREATE INDEX IF NOT EXISTS spent_until ON spent (until)");
  }

  /** SQL runs without an await in between: nobody else comes in. */
  spend(tokenId: string, until: Instant): boolean {
    const { sql } = this.ctx.storage;
    sql.exec("DELETE FROM spent WHERE until < ?", systemClock());
    return (
      sql.exec("INSERT OR IGNORE INTO spent (id, until) VALUES (?, ?) RETURNING id", tokenId, until).toArray()
        .length === 1
    );
  }
}

export function ledgerOf(namespace: DurableObjectNamespace<TokenLedger>): TokenLedgerPort {
  return {
    spend: (publisher, tokenId, until) =>
      namespace.get(namespace.idFromName(publisher)).spend(tokenId, until),
  };
}
