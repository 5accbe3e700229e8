import type { ObjectName, UpdateId } from "../../../shared/brand.ts";
import type { System } from "../../host/system.ts";
import { abortOf } from "../causes.ts";
import type { Abort, AbortCause, Progress, Task } from "../engine.ts";
import { unloadModule } from "../module_load.ts";
import { tasksBehind } from "../tasks.ts";
import { type EngineOptions, type Waited, waitUntil } from "../wait.ts";
import type { PatchFolder } from "./sysfs.ts";

/** A patch that this program applies or undoes, with its files in sysfs. */
export interface ManagedPatch {
  readonly options: EngineOptions;
  readonly id: UpdateId;
  readonly name: ObjectName;
  readonly folder: PatchFolder;
}

/** Waits until a transition has ended. */
export function waitForTransition(
  { options, id, folder }: ManagedPatch,
  doing: Progress["doing"],
): Promise<Waited> {
  const wait = { id, doing, blockers: () => blockersOf(options.system, folder) };
  return waitUntil(options, wait, async () => !(await folder.inTransition()));
}

/** Lists the tasks that block a transition, whichever way it goes. */
export async function blockersOf(system: System, folder: PatchFolder): Promise<readonly Task[]> {
  return tasksBehind(system, (await folder.enabled()) === "1" ? "0" : "1");
}

/** Why a transition is reversed. */
type ReversalReason = Exclude<Waited, "done">;

/**
 * Reverses the transition of an apply that took too long or was stopped, waits for its end, and unloads the module. `force`
 * is never used: it declares that tasks have moved over although they still run the old code.
 */
export async function reverseApply(patch: ManagedPatch, why: ReversalReason): Promise<Abort> {
  const { options, name } = patch;
  const abort = await abortAfterReversal(patch, why, "the transition");
  return abort(await reverse(patch, "0", () => unloadModule(options.system, name)));
}

/** Reverses the transition of an undo, so that the patch stays in force. Returns undefined if it ended just before. */
export async function reverseUndo(patch: ManagedPatch, why: ReversalReason): Promise<Abort | undefined> {
  const { folder } = patch;
  const abort = await abortAfterReversal(patch, why, "the transition out", ": it stays in force");
  const problem = await reverse(patch, "1", async () =>
    (await folder.enabled()) === "1" ? undefined : "it is not in force",
  );
  if (problem !== undefined && (await folder.enabled()) === undefined) return undefined;
  return abort(problem);
}

/**
 * Prepares the abort of a reversed transition, which depends on whether it could be reversed. The blocking tasks are looked
 * up now, because they are unknown once it is reversed.
 */
async function abortAfterReversal(
  { options, folder }: ManagedPatch,
  why: ReversalReason,
  what: string,
  then = "",
) {
  const asked = `${options.stop?.reason} asked the run to end`;
  const texts: Readonly<Record<ReversalReason, readonly [AbortCause, string, string]>> = {
    late: ["code_busy", `${what} did not end and was reversed`, `${what} did not end`],
    stopped: ["stopped", `${what} was reversed, as ${asked}`, asked],
  };
  const [cause, reversed, stuck] = texts[why];
  const blockedBy = why === "late" ? await blockersOf(options.system, folder) : [];
  return (problem: string | undefined): Abort =>
    problem === undefined
      ? abortOf(cause, reversed + then, { blockedBy })
      : abortOf(cause, `${stuck}, and ${what} could not be reversed: ${problem}`, {
          blockedBy,
          restored: false,
        });
}

/** Reverses a transition. Returns undefined once it has ended and `finish` reports no problem, else the problem. */
async function reverse(
  patch: ManagedPatch,
  value: "0" | "1",
  finish: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const refused = await patch.folder.enable(value);
  // If the transition ended just before, the kernel starts a new one, or says that the value is set already.
  if (refused !== undefined && (await patch.folder.enabled()) !== value) return refused;
  if ((await waitForTransition(patch, "reversing")) !== "done")
    return "it goes on in the kernel, and a later run goes on with it";
  return finish();
}
