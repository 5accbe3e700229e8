import { RebootlessError } from "../../shared/errors.ts";
import type { Abort, LoadedPatch, Removal } from "../engines/engine.ts";
import type { Ledger } from "../journal/ledger.ts";
import { removalOf } from "./change.ts";
import type { Patching } from "./patching.ts";
import { patchName } from "./state.ts";

const POLL_MS = 100;
/** A transition that a killed run began has had its time; what still moves after this is turned back. */
const FINISH_MS = 30_000;

type Open = NonNullable<Ledger["open"]>;

/**
 * An intent without an outcome in this boot: the run that wrote it was killed. The kernel tells how far it came; what is
 * half done is finished or taken back, and written down. Throws `stopped` where the run is asked to end before that: then
 * the next one settles it.
 */
export async function settleOpen(patching: Patching): Promise<void> {
  const { journal, report, progress } = patching;
  const { open } = journal.ledger;
  if (!open) return;
  progress(`${open.id}: a run was cut short while it was to ${open.act} this; looking at where it ended up`);
  const start = patching.system.uptime();
  const abort = open.act === "apply" ? await settleApply(patching, open) : await settleUndo(patching, open);
  const milliseconds = Math.round(patching.system.uptime() - start);
  const { act, id } = open;
  const [cause, detail] = abort ? [abort.cause, abort.detail] : ["", ""];
  await journal.write({ kind: "outcome", act, id, done: !abort, cause, detail, milliseconds });
  const applied = (await patchOf(patching, open))?.state === "applied";
  await report({ id, result: "settled", applied });
}

type Unsettled = Pick<Abort, "detail"> & { readonly cause: string };

async function settleApply(patching: Patching, open: Open): Promise<Unsettled | undefined> {
  const patch = await atRest(patching, open);
  if (patch?.state === "applied") {
    await unloadReplaced(patching, open);
    return undefined;
  }
  return (await takeOut(patching, open)) ?? interrupted("it was taken back");
}

async function settleUndo(patching: Patching, open: Open): Promise<Unsettled | undefined> {
  const patch = await atRest(patching, open);
  if (patch?.state === "applied") return interrupted("it is still applied");
  return takeOut(patching, open);
}

const interrupted = (detail: string): Unsettled => ({
  cause: "interrupted",
  detail: `the run was cut short, and ${detail}`,
});

/** The patch once it is in no transition any more, or as it is when that takes too long. */
async function atRest(patching: Patching, open: Open): Promise<LoadedPatch | undefined> {
  const { system, stop } = patching;
  const start = system.uptime();
  for (;;) {
    const patch = await patchOf(patching, open);
    if (patch?.state !== "transition" || system.uptime() - start > FINISH_MS) return patch;
    // Turned now, it would be turned again by who settles it.
    if (stop.aborted) {
      throw new RebootlessError("stopped", `asked to end while ${open.id} is in transition`, {
        hint: "A run before this one was cut short and left it like that. The kernel goes on with it, and the next run settles it.",
      });
    }
    await system.sleep(POLL_MS);
  }
}

async function patchOf({ engines, updates }: Patching, open: Open): Promise<LoadedPatch | undefined> {
  const update = updates.find(({ id }) => id === open.id);
  const name = update ? patchName(update) : open.module;
  return (await engines.loaded()).find((patch) => patch.name === name);
}

/** What is left of a patch: a transition that is turned back, a folder that is disabled, a module that does nothing. */
async function takeOut({ engines, updates }: Patching, open: Open): Promise<Abort | undefined> {
  const update = updates.find(({ id }) => id === open.id);
  const removal: Removal = update
    ? removalOf(update)
    : { id: open.id, modules: [{ name: open.module, role: "patch", target: null }] };
  const outcome = await engines.for(update ?? { engine: "livepatch" }).undo(removal);
  return outcome.outcome === "undone" ? undefined : outcome;
}

/** An atomic replace leaves the modules of what it put out of force. */
async function unloadReplaced({ engines, updates }: Patching, { replaces }: Open): Promise<void> {
  for (const update of updates.filter(({ id }) => replaces.includes(id))) {
    await engines.for(update).undo(removalOf(update));
  }
}
