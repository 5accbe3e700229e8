import { readFile } from "node:fs/promises";
import type { Guest } from "../../support/guest/guest.ts";
import { MARK } from "./edits.ts";
import type { Recipe } from "./recipes.ts";

const TRANSITION_TRIES = 120;

/** Which of the two replaced functions run the new code. */
interface Effect {
  readonly kernel: boolean;
  readonly module: boolean;
}

/** Loads a module, sees what it does, and undoes it. Returns what was not as it has to be. */
export async function play(guest: Guest, { name, isIdle }: Recipe, path: string): Promise<readonly string[]> {
  await load(guest, name, await readFile(path));
  const loaded = await effect(guest);
  await undo(guest, name);
  const undone = await effect(guest);
  return [
    ...(loaded.kernel && loaded.module === !isIdle
      ? []
      : [`it is loaded, and the code is new: ${shown(loaded)}`]),
    ...(undone.kernel || undone.module ? [`it is undone, and the code is new: ${shown(undone)}`] : []),
  ];
}

const shown = ({ kernel, module }: Effect): string => `${kernel} in the kernel, ${module} in the module`;

/** Reads the files that the two functions write. */
async function effect(guest: Guest): Promise<Effect> {
  const says = async (file: string) => (await guest.mustExec(["cat", file])).includes(MARK);
  return { kernel: await says("/proc/cmdline"), module: await says("/sys/kernel/kobject_example/foo") };
}

/** Loads a live patch and waits until all tasks have moved over to it. */
async function load(guest: Guest, name: string, bytes: Uint8Array): Promise<void> {
  await guest.putFile(`/root/${name}.ko`, bytes);
  await guest.mustExec(["insmod", `/root/${name}.ko`]);
  await guest.mustExec(until(`[ "$(cat /sys/kernel/livepatch/${name}/transition)" = 0 ]`));
}

/** Undoes a live patch, and removes its module. */
async function undo(guest: Guest, name: string): Promise<void> {
  await guest.mustExec(`echo 0 >/sys/kernel/livepatch/${name}/enabled`);
  await guest.mustExec(until(`[ ! -d /sys/kernel/livepatch/${name} ]`));
  await guest.mustExec(["rmmod", name]);
}

const until = (condition: string): string =>
  `tries=0; until ${condition}; do tries=$((tries + 1)); [ $tries -lt ${TRANSITION_TRIES} ] || exit 1; sleep 0.5; done`;
