import { utf8 } from "../../shared/bytes.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { type Clock, formatInstant, parseInstant } from "../../shared/time.ts";
import type { TokenLedger } from "../publish/ports.ts";
import type { Store } from "../store/store.ts";

const TOKENS = "tokens/";

/** Used tokens as empty files of a store, named by their digest: it can be made only once, also after a restart. */
export function storeLedger(store: Store): TokenLedger {
  return {
    spend: async (publisher, tokenId, until) => {
      const key = `${TOKENS}${await sha256Of(utf8(`${publisher} ${tokenId}`))}`;
      const done = await store.create(key, new Uint8Array(), { until: formatInstant(until) });
      return done === "created";
    },
  };
}

/** Forgets tokens that are refused for their age anyway. */
export async function sweepLedger(store: Store, clock: Clock): Promise<void> {
  for (let page = await store.list(TOKENS); ; page = await store.list(TOKENS, page.next)) {
    for (const { key, notes } of page.files) {
      if (parseInstant(notes["until"] ?? "") < clock()) await store.delete(key);
    }
    if (page.next === undefined) return;
  }
}
