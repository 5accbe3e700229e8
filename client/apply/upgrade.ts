import type { UpdateId } from "../../shared/brand.ts";
import type { Ledger } from "../journal/ledger.ts";
import { planUpdates } from "../plan/plan.ts";
import { applyUpdate, notBegun } from "./apply_update.ts";
import type { HostJournal } from "./host_journal.ts";
import { recheckPending, uncheckedUpdates } from "./pending_objects.ts";
import { recoverInterrupted } from "./recover_interrupted.ts";
import { refuseUnclearState, type StateAndPlan, stateAndPlan } from "./state_and_plan.ts";
import { undoUpdates } from "./undo.ts";
import type { ChangeRun, Offer, RunningKernel, Wish } from "./upgrade_parts.ts";

/** A run that may turn out to change nothing. It opens its journal when it has something to change. */
export interface UpgradeRun extends Omit<ChangeRun, "journal"> {
  readonly journal: HostJournal;
  /** Called once before anything is changed. Takes the state lock, has the feed verified by a second implementation, or throws. */
  readonly begin: () => Promise<void>;
}

export interface UpgradeParts {
  readonly kernel: RunningKernel;
  readonly offer: Offer;
  readonly wish: Wish;
  readonly run: UpgradeRun;
}

/**
 * Brings the running kernel to the state that the manifest and the policy ask for. Recovers from a run that was killed,
 * checks again what was pending, takes out what was recalled if that is the policy, and applies what is missing, in
 * order. An update that fails leaves out the updates that depend on it, and no others.
 */
export async function upgradeKernel(parts: UpgradeParts): Promise<void> {
  const { kernel, offer, wish, run } = parts;
  const { ledger } = await run.journal.read();
  const first = await stateAndPlan(offer.updates, kernel.engines, ledger, wish);
  refuseUnclearState(first.state, ledger.open?.id);
  const idle =
    first.plan.steps.length === 0 &&
    !ledger.open &&
    uncheckedUpdates(offer.updates, first.applied, ledger, kernel.modules).length === 0 &&
    (wish.recall === "hold" || recalled(first).length === 0) &&
    unrecorded(first, ledger).length === 0;
  if (!idle) return changeKernel(parts);
  await reportKept(first, run);
  for (const why of first.plan.leftOut) await run.report({ id: why.id, result: "left_out", why });
}

async function changeKernel({ kernel, offer, wish, run: upgradeRun }: UpgradeParts): Promise<void> {
  const { updates } = offer;
  const { dryRun } = wish;
  await upgradeRun.begin();
  // The journal is read again, because another run may have changed it before this one took the lock.
  const journal = await upgradeRun.journal.open();
  const run: ChangeRun = { ...upgradeRun, journal };
  const { report } = run;
  if (!dryRun) await recoverInterrupted(kernel, updates, run);
  const look = () => stateAndPlan(updates, kernel.engines, journal.ledger, wish);
  let now = await look();
  refuseUnclearState(now.state);
  if (!dryRun) for (const event of unrecorded(now, journal.ledger)) await journal.write(event);

  const parts = { kernel, offer, wish, run };
  const failed = new Set(await recheckPending(parts, now.applied));
  now = await look();
  if (wish.recall === "undo") {
    const ids = new Set(recalled(now).map(({ id }) => id));
    await undoUpdates(parts, now.applied, ids, () => "it was recalled");
    if (!dryRun) now = await look();
  } else await reportKept(now, run);

  let { applied, foreign } = now;
  const tried = new Set<UpdateId>();
  for (;;) {
    const { steps, leftOut } = planUpdates({
      ...wish,
      updates,
      applied,
      foreign,
      suspects: new Set(journal.ledger.suspects.keys()),
      // An update that this run applied and then replaced by another is not tried again, or the run would not end.
      failed: new Set([...failed, ...[...tried].filter((id) => !applied.has(id))]),
    });
    const [step] = steps;
    if (!step || run.stop.aborted) {
      for (const { update } of steps) await report(notBegun(update.id));
      const told = leftOut.filter(({ reason }) => reason !== "failed");
      for (const why of told) await report({ id: why.id, result: "left_out", why });
      return;
    }
    const result = await applyUpdate(step, parts);
    await report(result);
    tried.add(step.update.id);
    if (result.result === "failed") failed.add(step.update.id);
    else if (dryRun) {
      applied = new Set([...applied].filter((id) => !step.replaces.includes(id))).add(step.update.id);
      if (step.update.replace) foreign = [];
    }
    if (!dryRun) ({ applied, foreign } = await look());
  }
}

/** Returns the applied updates that have been recalled. */
const recalled = ({ state, applied }: StateAndPlan) =>
  state.updates
    .map(({ update }) => update)
    .filter(({ id, recalled: why }) => why !== null && applied.has(id));

async function reportKept(now: StateAndPlan, { report }: Pick<ChangeRun, "report">): Promise<void> {
  for (const { id, recalled: why } of recalled(now)) await report({ id, result: "kept", why: why ?? "" });
}

/**
 * Returns journal records for the updates that are applied and that the journal does not know: it was lost, or they were
 * loaded by hand.
 */
const unrecorded = ({ state, applied }: StateAndPlan, ledger: Pick<Ledger, "applied" | "open">) =>
  ledger.open
    ? []
    : state.updates
        .filter(({ update: { id } }) => applied.has(id) && !ledger.applied.has(id))
        .map(
          ({ update: { id, module } }) =>
            ({ kind: "standing", id, module: module.name, pending: [] }) as const,
        );
