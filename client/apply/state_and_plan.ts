import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Engines } from "../engines/engines.ts";
import type { Ledger } from "../journal/ledger.ts";
import { type Plan, planUpdates } from "../plan/plan.ts";
import { appliedIds, type HostState, hostState } from "./host_state.ts";
import type { Wish } from "./upgrade_parts.ts";

export interface StateAndPlan {
  readonly state: HostState;
  readonly applied: ReadonlySet<UpdateId>;
  /** The names of live patches in force that the manifest does not know. */
  readonly foreign: readonly string[];
  readonly plan: Plan;
}

/** Reads from the kernel which updates are applied, and plans which to apply. */
export async function stateAndPlan(
  updates: readonly Update[],
  engines: Engines,
  { suspects }: Pick<Ledger, "suspects">,
  { asked, withheld, replaceOthers }: Pick<Wish, "asked" | "withheld" | "replaceOthers">,
): Promise<StateAndPlan> {
  const state = hostState({ updates }, await engines.loaded());
  const applied = appliedIds(state);
  const foreign = foreignPatches(state);
  const plan = planUpdates({
    asked,
    withheld,
    replaceOthers,
    updates,
    applied,
    foreign,
    suspects: new Set(suspects.keys()),
    failed: new Set(),
  });
  return { state, applied, foreign, plan };
}

const foreignPatches = ({ foreign }: HostState): readonly string[] =>
  foreign
    .filter(({ engine, state }) => engine === "livepatch" && state !== "disabled")
    .map(({ name }) => name);

/**
 * Refuses to go on while an update is in transition, which the kernel must be left to finish, and while an impostor is
 * loaded, which a person must look at.
 *
 * @param except an update that may be in transition.
 * @throws RebootlessError `apply`, or `trust` for an impostor.
 */
export function refuseUnclearState(state: HostState, except?: UpdateId): void {
  for (const { update, state: now } of state.updates) {
    if (now === "transition" && update.id !== except) {
      throw new RebootlessError("apply", `${update.id} is in transition`, {
        hint: "Wait for it to end (`rebootless status`), or undo it.",
      });
    }
    if (now === "impostor") {
      throw new RebootlessError(
        "trust",
        `the loaded patch ${update.module.name} is not the one that was signed`,
        {
          hint: `It replaces other functions than were signed for under ${update.id}. Find out who loaded it.`,
        },
      );
    }
  }
}
