import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Engines } from "../engines/engines.ts";
import type { Ledger } from "../journal/ledger.ts";
import { type Plan, planUpdates } from "../plan/plan.ts";
import type { Withheld } from "../plan/withheld.ts";
import { appliedIds, type HostState, hostState } from "./state.ts";

/** What is wanted of a run, by the command line and by policy. */
export interface Wanted {
  /** These updates and what they depend on; undefined: whatever there is. */
  readonly asked: ReadonlySet<UpdateId> | undefined;
  readonly withheld: ReadonlyMap<UpdateId, Withheld>;
  /** Whether an atomic replace may take out patches that it does not supersede. */
  readonly replaceOthers: boolean;
}

export interface Survey {
  readonly state: HostState;
  readonly applied: ReadonlySet<UpdateId>;
  /** Live patches of others that are in force. */
  readonly foreign: readonly string[];
  readonly plan: Plan;
}

/** How things stand, by what the kernel says, and what is to be done about it. */
export async function survey(
  updates: readonly Update[],
  engines: Engines,
  { suspects }: Pick<Ledger, "suspects">,
  wanted: Wanted,
): Promise<Survey> {
  const state = hostState({ updates }, await engines.loaded());
  const applied = appliedIds(state);
  const foreign = foreignPatches(state);
  const plan = planUpdates({
    ...wanted,
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

/** A kernel in the middle of something is left to finish it; an impostor is for a person to look at. */
export function refuseUnclear(state: HostState, but?: UpdateId): void {
  for (const { update, state: now } of state.updates) {
    if (now === "transition" && update.id !== but) {
      throw new RebootlessError("apply", `${update.id} is in transition`, {
        hint: "Wait for it to end (`rebootless status`), or undo it.",
      });
    }
    if (now === "impostor") {
      throw new RebootlessError("trust", `a loaded patch calls itself ${update.module.name} and is another`, {
        hint: `It replaces other functions than were signed for under ${update.id}. Find out who loaded it.`,
      });
    }
  }
}
