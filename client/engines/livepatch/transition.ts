import type { ObjectName, UpdateId } from "../../../shared/brand.ts";
import type { System } from "../../host/system.ts";
import { abortOf } from "../causes.ts";
import type { Abort, AbortCause, Progress, Task } from "../engine.ts";
import { unloadModule } from "../module_load.ts";
import { tasksBehind } from "../tasks.ts";
import { type EngineOptions, type Waited, waitUntil } from "../wait.ts";
import type { PatchFolder } from "./sysfs.ts";

/** One patch of ours, and where to see and change it. */
export interface Place {
  readonly options: EngineOptions;
  readonly id: UpdateId;
  readonly name: ObjectName;
  readonly folder: PatchFolder;
}

/** Waits until a patch is in force everywhere, or nowhere. */
export function settle({ options, id, folder }: Place, doing: Progress["doing"]): Promise<Waited> {
  const wait = { id, doing, blockers: () => blockersOf(options.system, folder) };
  return waitUntil(options, wait, async () => !(await folder.inTransition()));
}

/** Which tasks are behind depends on where the transition goes. */
export async function blockersOf(system: System, folder: PatchFolder): Promise<readonly Task[]> {
  return tasksBehind(system, (await folder.enabled()) === "1" ? "0" : "1");
}

/** Why a transition is turned on its way. */
type Turned = Exclude<Waited, "done">;

/**
 * The way in took too long, or nobody wants to wait for it any more: it is turned, awaited, and the module unloaded. Never `force`: it declares tasks to be over
 * that still sit in the old code.
 */
export async function reverseApply(place: Place, why: Turned): Promise<Abort> {
  const { options, name } = place;
  const tell = await story(place, why, "the transition");
  return tell(await turn(place, "0", () => unloadModule(options.system, name)));
}

/** The same on the way out: the patch stays in force. Undefined when it ended that very moment. */
export async function reverseUndo(place: Place, why: Turned): Promise<Abort | undefined> {
  const { folder } = place;
  const tell = await story(place, why, "the transition out", ": it stays in force");
  const problem = await turn(place, "1", async () =>
    (await folder.enabled()) === "1" ? undefined : "it is not in force",
  );
  if (problem !== undefined && (await folder.enabled()) === undefined) return undefined;
  return tell(problem);
}

/** What there is to say once it is known whether it could be turned. Who is in its way is looked up before it is. */
async function story({ options, folder }: Place, why: Turned, what: string, then = "") {
  const asked = `${options.stop?.reason} asked the run to end`;
  const stories: Readonly<Record<Turned, readonly [AbortCause, string, string]>> = {
    late: ["code_busy", `${what} did not end and was reversed`, `${what} did not end`],
    stopped: ["stopped", `${what} was reversed, as ${asked}`, asked],
  };
  const [cause, turned, stuck] = stories[why];
  const blockedBy = why === "late" ? await blockersOf(options.system, folder) : [];
  return (problem: string | undefined): Abort =>
    problem === undefined
      ? abortOf(cause, turned + then, { blockedBy })
      : abortOf(cause, `${stuck}, and ${what} could not be reversed: ${problem}`, {
          blockedBy,
          restored: false,
        });
}

/** Undefined when the transition was turned and ended, and `finish` had nothing against it. */
async function turn(
  place: Place,
  value: "0" | "1",
  finish: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const refused = await place.folder.enable(value);
  // It may have ended the moment before; then the kernel starts a new one, or says that it is so already.
  if (refused !== undefined && (await place.folder.enabled()) !== value) return refused;
  if ((await settle(place, "reversing")) !== "done")
    return "it goes on in the kernel, and a later run goes on with it";
  return finish();
}
