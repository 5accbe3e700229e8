import type { UpdateId } from "../../shared/brand.ts";
import { pendingNow } from "../apply/pending.ts";
import type { HostState } from "../apply/state.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import type { JournalView } from "../journal/journal.ts";

/** Updates in force, each with those of its objects that it does not change yet. */
export async function inForce(
  { system }: Context,
  { updates }: HostState,
  { ledger }: JournalView,
): Promise<ReadonlyMap<UpdateId, readonly string[]>> {
  const loaded = await engines({ system }).loaded();
  const applied = updates.filter(({ state }) => state === "applied");
  return new Map(applied.map(({ update }) => [update.id, pendingNow(update, loaded, ledger)]));
}
