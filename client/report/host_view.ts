import type { UpdateId } from "../../shared/brand.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { hostJournal } from "../apply/host_journal.ts";
import { appliedIds, type HostState, hostState } from "../apply/host_state.ts";
import { type JournalDifference, journalDifferences } from "../apply/journal_differences.ts";
import { pendingNow } from "../apply/pending_objects.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import type { JournalView } from "../journal/journal.ts";
import { effectiveRelease } from "../plan/effective.ts";
import { type Policy, type Withheld, withheldUpdates } from "../plan/withheld.ts";
import { policyOf } from "../policy/policy.ts";
import type { Host } from "../this_host.ts";

/** What there is for a host, what of it is in force, and what its administrator keeps back. */
export interface HostView {
  /** By what the kernel says. */
  readonly state: HostState;
  /** Updates in force, each with those of its objects that it does not change yet. */
  readonly inForce: ReadonlyMap<UpdateId, readonly string[]>;
  readonly journal: JournalView;
  /** Where kernel and journal do not say the same. */
  readonly differences: readonly JournalDifference[];
  readonly policy: Policy;
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** The release whose fixes the running kernel has: its own where updates do not make up another. */
  readonly effective: string;
}

export async function viewHost(
  context: Context,
  host: Host,
  manifest: KernelManifest | undefined,
): Promise<HostView> {
  const { system, places, clock } = context;
  const loaded = await engines({ system }).loaded();
  const state = hostState(manifest, loaded);
  const { boot, read } = await hostJournal(context, host);
  const journal = await read();
  const policy = await policyOf(host.config, places, system);
  const updates = manifest?.updates ?? [];
  const applied = state.updates.filter(({ state: now }) => now === "applied");
  return {
    state,
    inForce: new Map(applied.map(({ update }) => [update.id, pendingNow(update, loaded, journal.ledger)])),
    journal,
    differences: journalDifferences(state, journal, boot),
    policy,
    withheld: withheldUpdates(policy, updates, clock()),
    effective: effectiveRelease(updates, appliedIds(state)) ?? host.kernel.release,
  };
}
