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

/** The state of a host: its updates, which of them are applied, and which of them policy keeps back. */
export interface HostView {
  /** The state of updates, by what the kernel says. */
  readonly state: HostState;
  /** The applied updates, each with the objects that it does not change yet. */
  readonly inForce: ReadonlyMap<UpdateId, readonly string[]>;
  readonly journal: JournalView;
  /** The points on which kernel and journal disagree. */
  readonly differences: readonly JournalDifference[];
  readonly policy: Policy;
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** The release whose fixes the running kernel has; its own release if its updates do not amount to another. */
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
