import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Abort, LoadedPatch, Removal } from "../engines/engine.ts";
import type { Ledger } from "../journal/ledger.ts";
import { engineRemoval } from "./engine_change.ts";
import { patchName } from "./host_state.ts";
import type { ChangeRun, RunningKernel } from "./upgrade_parts.ts";

const POLL_MS = 100;
/** How long a transition that a killed run began may still take, before it is reversed. */
const FINISH_MS = 30_000;

/** A change that a killed run left unfinished, with what it takes to finish it. */
interface Interrupted {
  readonly kernel: Pick<RunningKernel, "engines" | "system">;
  readonly updates: readonly Update[];
  readonly stop: AbortSignal;
  readonly open: NonNullable<Ledger["open"]>;
}

/** Why an interrupted change did not come about: a word, and a clause for people. */
type NotDone = Pick<Abort, "detail"> & { readonly cause: string };

/**
 * Completes an intent of this boot that has no outcome, because the run that wrote it was killed. The kernel's state
 * shows how far that run came; what is half done is finished or taken back, and the outcome is written to the journal.
 *
 * @throws RebootlessError `stopped` if this run is asked to end before that. The next run tries again.
 */
export async function recoverInterrupted(
  kernel: Pick<RunningKernel, "engines" | "system">,
  updates: readonly Update[],
  run: ChangeRun,
): Promise<void> {
  const { journal, report, progress } = run;
  const { open } = journal.ledger;
  if (!open) return;
  progress(`${open.id}: an earlier run was cut short during its ${open.act}; recovering`);
  const start = kernel.system.uptime();
  const change = { kernel, updates, stop: run.stop, open };
  const notDone = open.act === "apply" ? await completeApply(change) : await completeUndo(change);
  const milliseconds = Math.round(kernel.system.uptime() - start);
  const { act, id } = open;
  const [cause, detail] = notDone ? [notDone.cause, notDone.detail] : ["", ""];
  await journal.write({ kind: "outcome", act, id, done: !notDone, cause, detail, milliseconds });
  const applied = (await patchOf(change))?.state === "applied";
  await report({ id, result: "settled", applied });
}

async function completeApply(change: Interrupted): Promise<NotDone | undefined> {
  const patch = await afterTransition(change);
  if (patch?.state === "applied") {
    await unloadReplaced(change);
    return undefined;
  }
  return (await takeOut(change)) ?? interrupted("it was taken back");
}

async function completeUndo(change: Interrupted): Promise<NotDone | undefined> {
  const patch = await afterTransition(change);
  if (patch?.state === "applied") return interrupted("it is still applied");
  return takeOut(change);
}

const interrupted = (detail: string): NotDone => ({
  cause: "interrupted",
  detail: `the run was cut short, and ${detail}`,
});

/** Returns the patch when its transition has ended, or as it is after `FINISH_MS`. */
async function afterTransition(change: Interrupted): Promise<LoadedPatch | undefined> {
  const { system } = change.kernel;
  const start = system.uptime();
  for (;;) {
    const patch = await patchOf(change);
    if (patch?.state !== "transition" || system.uptime() - start > FINISH_MS) return patch;
    // If this run reversed the transition, the next run would reverse it once more.
    if (change.stop.aborted) {
      throw new RebootlessError("stopped", `asked to end while ${change.open.id} is in transition`, {
        hint: "An earlier run was cut short and left it like that. The kernel continues, and the next run recovers it.",
      });
    }
    await system.sleep(POLL_MS);
  }
}

async function patchOf({ kernel, updates, open }: Interrupted): Promise<LoadedPatch | undefined> {
  const update = updates.find(({ id }) => id === open.id);
  const name = update ? patchName(update) : open.module;
  return (await kernel.engines.loaded()).find((patch) => patch.name === name);
}

/** Takes out what is left of a patch: a transition, a disabled patch, or a module that does nothing. */
async function takeOut({ kernel, updates, open }: Interrupted): Promise<Abort | undefined> {
  const update = updates.find(({ id }) => id === open.id);
  const removal: Removal = update
    ? engineRemoval(update)
    : { id: open.id, modules: [{ name: open.module, role: "patch", target: null }] };
  const outcome = await kernel.engines.for(update ?? { engine: "livepatch" }).undo(removal);
  return outcome.outcome === "undone" ? undefined : outcome;
}

/** Unloads the modules of replaced updates, which an atomic replace leaves loaded. */
async function unloadReplaced({ kernel, updates, open }: Interrupted): Promise<void> {
  for (const update of updates.filter(({ id }) => open.replaces.includes(id))) {
    await kernel.engines.for(update).undo(engineRemoval(update));
  }
}
