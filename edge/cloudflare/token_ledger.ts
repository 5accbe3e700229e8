import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { type Instant, systemClock } from "../../shared/time.ts";
import { type Limit, type LimitName, take } from "../publish/rate_limits.ts";
import type { Spent, TokenLedger } from "../publish/token_ledger.ts";

/**
 * The ledger of one publisher: the ids of tokens that were used and are not yet too old to be used again, and
 * the rest of the publisher's limits. The Worker exports it as `TokenLedger`, the name under which it was
 * deployed.
 */
export class TokenLedgerObject extends DurableObject {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { sql } = this.ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS spent (id TEXT PRIMARY KEY, until INTEGER NOT NULL)");
    sql.exec("CREATE INDEX IF NOT EXISTS spent_until ON spent (until)");
    sql.exec(
      "CREATE TABLE IF NOT EXISTS budget (name TEXT PRIMARY KEY, level REAL NOT NULL, at INTEGER NOT NULL)",
    );
  }

  /** Runs all SQL without an await in between, so that no other call is served meanwhile. */
  spend(tokenId: string, until: Instant, name: LimitName, limit: Limit): Spent {
    const { sql } = this.ctx.storage;
    const now = systemClock();
    sql.exec("DELETE FROM spent WHERE until < ?", now);
    if (sql.exec("SELECT 1 FROM spent WHERE id = ?", tokenId).toArray().length > 0) return { kind: "used" };
    const [left] = sql.exec<{ level: number; at: number }>(
      "SELECT level, at FROM budget WHERE name = ?",
      name,
    );
    const taken = take(left, limit, now);
    if (taken.kind === "empty") return { kind: "over_limit", wait: taken.wait };
    const { level, at } = taken.bucket;
    sql.exec("INSERT OR REPLACE INTO budget VALUES (?, ?, ?)", name, level, at);
    sql.exec("INSERT INTO spent VALUES (?, ?)", tokenId, until);
    return { kind: "first" };
  }
}

export function tokenLedgerOf(namespace: DurableObjectNamespace<TokenLedgerObject>): TokenLedger {
  return {
    spend: ({ publisher, id, until }, name, limit) =>
      namespace.get(namespace.idFromName(publisher)).spend(id, until, name, limit),
  };
}
