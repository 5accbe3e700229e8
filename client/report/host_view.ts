import type { UpdateId } from "../../shared/brand.ts";
import { effectiveRelease } from "../../shared/feed/effective.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { type Policy, type Withheld, withheldUpdates } from "../../shared/feed/withheld.ts";
import { appliedIds, type HostState, hostState } from "../apply/state.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import type { Host } from "../host/host.ts";
import { policyOf } from "../policy/policy.ts";

/** What there is for a host, what of it is in force, and what its administrator keeps back. */
export interface HostView {
  readonly state: HostState;
  readonly policy: Policy;
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** The release whose fixes the running kernel has: its own where updates do not make up another. */
  readonly effective: string;
}

export async function viewHost(
  { system, places, clock }: Context,
  host: Host,
  manifest: KernelManifest | undefined,
): Promise<HostView> {
  const state = hostState(manifest, await engines({ system }).loaded());
  const policy = await policyOf(host.config, places, system);
  const updates = manifest?.updates ?? [];
  return {
    state,
    policy,
    withheld: withheldUpdates(policy, updates, clock()),
    effective: effectiveRelease(updates, appliedIds(state)) ?? host.kernel.release,
  };
}
