import type { UpdateId } from "../../shared/brand.ts";
import { planUpdates } from "../plan/plan.ts";
import { type Attempting, attempt, unbegun } from "./attempt.ts";
import type { HostJournal } from "./host_journal.ts";
import { recheckPending, unsettledUpdates } from "./pending.ts";
import { settleOpen } from "./settle.ts";
import { refuseUnclear, type Survey, survey, type Wanted } from "./survey.ts";
import { undoUpdates } from "./undo.ts";

export interface UpgradeOptions extends Omit<Attempting, "journal">, Wanted {
  readonly journal: HostJournal;
  /** Called once before anything is changed: has the host to itself and the whole chain verified, or throws. */
  readonly begin: () => Promise<void>;
  /** What becomes of an applied update that is recalled. */
  readonly recall: "hold" | "undo";
}

/**
 * Brings a kernel to where the manifest and the policy have it: settles what a killed run left, looks at what was
 * pending, takes out what was recalled where that is the policy, and applies what is missing, in order. One that fails
 * leaves out its dependents and nothing else.
 */
export async function upgrade(options: UpgradeOptions): Promise<void> {
  const { updates, engines, journal: hostJournal, report } = options;
  const { ledger } = await hostJournal.read();
  const first = await survey(updates, engines, ledger, options);
  refuseUnclear(first.state, ledger.open?.id);
  const idle =
    first.plan.steps.length === 0 &&
    !ledger.open &&
    unsettledUpdates(updates, first.applied, ledger, options.modules).length === 0 &&
    (options.recall === "hold" || recalled(first).length === 0) &&
    unrecorded(first, ledger).length === 0;
  if (!idle) return change(options);
  await reportKept(first, options);
  for (const why of first.plan.leftOut) await report({ id: why.id, result: "left_out", why });
}

async function change(options: UpgradeOptions): Promise<void> {
  const { updates, engines, report, dryRun } = options;
  await options.begin();
  const journal = await options.journal.open(); // another run may have been at it meanwhile
  const attempting: Attempting = { ...options, journal };
  if (!dryRun) await settleOpen(attempting);
  const look = () => survey(updates, engines, journal.ledger, options);
  let now = await look();
  refuseUnclear(now.state);
  if (!dryRun) for (const event of unrecorded(now, journal.ledger)) await journal.write(event);

  const failed = new Set(await recheckPending(attempting, now.applied));
  now = await look();
  if (options.recall === "undo") {
    const ids = new Set(recalled(now).map(({ id }) => id));
    await undoUpdates(attempting, now.applied, ids, () => "it was recalled");
    if (!dryRun) now = await look();
  } else await reportKept(now, options);

  let { applied, foreign } = now;
  const tried = new Set<UpdateId>();
  for (;;) {
    const { steps, leftOut } = planUpdates({
      ...options,
      applied,
      foreign,
      suspects: new Set(journal.ledger.suspects.keys()),
      // What another replace took out in this run was applied in it: it is not tried in turn for ever.
      failed: new Set([...failed, ...[...tried].filter((id) => !applied.has(id))]),
    });
    const [step] = steps;
    if (!step || options.stop.aborted) {
      for (const { update } of steps) await report(unbegun(update.id));
      const told = leftOut.filter(({ reason }) => reason !== "failed");
      for (const why of told) await report({ id: why.id, result: "left_out", why });
      return;
    }
    const result = await attempt(step, attempting);
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

/** Updates in force that are not to be applied any more. */
const recalled = ({ state, applied }: Survey) =>
  state.updates
    .map(({ update }) => update)
    .filter(({ id, recalled: why }) => why !== null && applied.has(id));

async function reportKept(now: Survey, { report }: UpgradeOptions): Promise<void> {
  for (const { id, recalled: why } of recalled(now)) await report({ id, result: "kept", why: why ?? "" });
}

/** In force, and the journal knows nothing of it: it was lost, or loaded by hand. From here on it is remembered. */
const unrecorded = (
  { state, applied }: Survey,
  { standing, open }: { standing: ReadonlyMap<UpdateId, unknown>; open: unknown },
) =>
  open
    ? []
    : state.updates
        .filter(({ update: { id } }) => applied.has(id) && !standing.has(id))
        .map(
          ({ update: { id, module } }) =>
            ({ kind: "standing", id, module: module.name, pending: [] }) as const,
        );
