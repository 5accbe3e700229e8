import { sha256Of } from "../../node/crypto.ts";
import { utf8 } from "../../shared/bytes.ts";
import { type Clock, formatInstant, parseInstant } from "../../shared/time.ts";
import { type RateBucket, take } from "../publish/rate_limits.ts";
import type { TokenLedger } from "../publish/token_ledger.ts";
import type { Store } from "../store/store.ts";

const TOKENS = "tokens/";

/**
 * Returns a ledger that stores used tokens as empty files of a store, named by their digest: each can be
 * created only once, also after a restart. The rest of limits is in memory: after a restart, all buckets are
 * full.
 */
export function storeLedger(store: Store, clock: Clock): TokenLedger {
  const buckets = new Map<string, RateBucket>();
  return {
    spend: async ({ publisher, id, until }, name, limit) => {
      const key = `${TOKENS}${sha256Of(utf8(`${publisher} ${id}`))}`;
      if (await store.head(key)) return { kind: "used" };
      const bucket = `${publisher} ${name}`;
      const taken = take(buckets.get(bucket), limit, clock());
      if (taken.kind === "empty") return { kind: "over_limit", wait: taken.wait };
      buckets.set(bucket, taken.bucket);
      const done = await store.create(key, new Uint8Array(), { until: formatInstant(until) });
      return { kind: done === "created" ? "first" : "used" };
    },
  };
}

/** Deletes tokens that are refused for their age anyway. */
export async function sweepLedger(store: Store, clock: Clock): Promise<void> {
  for (let page = await store.list(TOKENS); ; page = await store.list(TOKENS, page.next)) {
    for (const { key, notes } of page.files) {
      if (parseInstant(notes["until"] ?? "") < clock()) await store.delete(key);
    }
    if (page.next === undefined) return;
  }
}
