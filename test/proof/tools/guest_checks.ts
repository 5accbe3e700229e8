import type { Guest } from "../../support/guest/guest.ts";
import { MARK } from "./edits.ts";

const TRANSITION_TRIES = 120;

/** Which of the two replaced functions run the new code. */
export interface Effect {
  readonly kernel: boolean;
  readonly module: boolean;
}

/** Reads the files that the two functions write. */
export async function effect(guest: Guest): Promise<Effect> {
  const says = async (path: string) => (await guest.mustExec(["cat", path])).includes(MARK);
  return { kernel: await says("/proc/cmdline"), module: await says("/sys/kernel/kobject_example/foo") };
}

/** Loads a live patch and waits until all tasks have moved over to it. */
export async function load(guest: Guest, name: string, bytes: Uint8Array): Promise<void> {
  await guest.putFile(`/root/${name}.ko`, bytes);
  await guest.mustExec(["insmod", `/root/${name}.ko`]);
  await guest.mustExec(until(`[ "$(cat /sys/kernel/livepatch/${name}/transition)" = 0 ]`));
}

/** Undoes a live patch, and removes its module. */
export async function undo(guest: Guest, name: string): Promise<void> {
  await guest.mustExec(`echo 0 >/sys/kernel/livepatch/${name}/enabled`);
  await guest.mustExec(until(`[ ! -d /sys/kernel/livepatch/${name} ]`));
  await guest.mustExec(["rmmod", name]);
}

const until = (condition: string): string =>
  `tries=0; until ${condition}; do tries=$((tries + 1)); [ $tries -lt ${TRANSITION_TRIES} ] || exit 1; sleep 0.5; done`;
