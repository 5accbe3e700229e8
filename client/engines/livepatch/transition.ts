import type { ObjectName, UpdateId } from "../../../shared/brand.ts";
import type { System } from "../../host/system.ts";
import { abortOf } from "../causes.ts";
import type { Abort, Progress, Task } from "../engine.ts";
import { unloadModule } from "../module_load.ts";
import { tasksBehind } from "../tasks.ts";
import { type EngineOptions, waitUntil } from "../wait.ts";
import type { PatchFolder } from "./sysfs.ts";

/** One patch of ours, and where to see and change it. */
export interface Place {
  readonly options: EngineOptions;
  readonly id: UpdateId;
  readonly name: ObjectName;
  readonly folder: PatchFolder;
}

/** Waits until a patch is in force everywhere, or nowhere. False at the deadline. */
export function settle({ options, id, folder }: Place, doing: Progress["doing"]): Promise<boolean> {
  const wait = { id, doing, blockers: () => blockersOf(options.system, folder) };
  return waitUntil(options, wait, async () => !(await folder.inTransition()));
}

/** Which tasks are behind depends on where the transition goes. */
export async function blockersOf(system: System, folder: PatchFolder): Promise<readonly Task[]> {
  return tasksBehind(system, (await folder.enabled()) === "1" ? "0" : "1");
}

/**
 * The way in took too long: it is turned, awaited, and the module unloaded. Never `force`: it declares tasks to be over
 * that still sit in the old code.
 */
export async function reverseApply(place: Place): Promise<Abort> {
  const { options, name, folder } = place;
  const blockedBy = await blockersOf(options.system, folder);
  const problem = await turn(place, "0", () => unloadModule(options.system, name));
  if (problem === undefined) {
    return abortOf("code_busy", "the transition did not end and was reversed", { blockedBy });
  }
  const detail = `the transition did not end, and could not be reversed either: ${problem}`;
  return abortOf("code_busy", detail, { blockedBy, restored: false });
}

/** The way out took too long: it is turned, and the patch stays in force. Undefined when it ended that very moment. */
export async function reverseUndo(place: Place): Promise<Abort | undefined> {
  const { options, folder } = place;
  const blockedBy = await blockersOf(options.system, folder);
  const problem = await turn(place, "1", async () =>
    (await folder.enabled()) === "1" ? undefined : "it is not in force",
  );
  if (problem === undefined) {
    return abortOf("code_busy", "the transition out did not end and was reversed: it stays in force", {
      blockedBy,
    });
  }
  if ((await folder.enabled()) === undefined) return undefined;
  const detail = `the transition out did not end, and could not be reversed either: ${problem}`;
  return abortOf("code_busy", detail, { blockedBy, restored: false });
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
  if (!(await settle(place, "reversing"))) return "it goes on in the kernel, and a later run goes on with it";
  return finish();
}
