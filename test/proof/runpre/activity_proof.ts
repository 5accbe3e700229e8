import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import type { BootOptions, Guest } from "../../support/guest/guest.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { buildModule } from "../../support/guest/modules/build.ts";
import { ACTIVITY_MODULES, type Activity } from "./activities.ts";
import { type Change, type Changes, readLists } from "./lists.ts";
import { observe } from "./observed.ts";
import type { Mismatch, WholeKernel } from "./whole_kernel.ts";

export interface ActivityResult {
  readonly name: string;
  /** Functions that the guest lists as changed. */
  readonly listed: number;
  readonly reported: number;
  /** Reported and not listed, or not as the change that is listed. */
  readonly unexpected: readonly string[];
  /** Listed and not reported as what they are. */
  readonly unreported: readonly string[];
}

const EXEC_MS = 300_000;
const MOUNT = `[ -e /sys/kernel/tracing/current_tracer ] || mount -t tracefs tracefs /sys/kernel/tracing
[ -e /sys/kernel/debug/kprobes ] || mount -t debugfs debugfs /sys/kernel/debug`;

/** How to boot a kernel with all that the activities take. */
export async function activeGuest(kernel: Kernel): Promise<BootOptions> {
  const files: GuestFile[] = [];
  for (const name of ACTIVITY_MODULES) {
    files.push({ path: `/root/${name}.ko`, content: { from: await buildModule(kernel, name) } });
  }
  return { kernel, files };
}

/** Starts an activity, compares what the checker reports with what the guest lists, and stops it. Throws `io`. */
export async function proveActivity(
  guest: Guest,
  whole: WholeKernel,
  { name, start, stop, shows }: Activity,
): Promise<ActivityResult> {
  await guest.mustExec(MOUNT);
  await guest.mustExec(start, { timeoutMs: EXEC_MS });
  const text = await textOf(guest);
  const { changes: listed, text: lists } = await readLists(guest, whole, text);
  const missing = shows.filter((pattern) => !pattern.test(lists));
  if (missing.length > 0)
    throw new Error(`${name}: the guest does not list ${missing.join(", ")}:\n${lists.slice(0, 2000)}`);
  const { found } = await observe(guest, whole, (seen) => isSame(reportedChanges(seen), listed));
  const reported = reportedChanges(found);
  await guest.mustExec(stop, { timeoutMs: EXEC_MS });
  const nameOf = new Map(whole.functions.map((fn) => [fn.offset as number, fn.name]));
  const missingFrom = (from: Changes, other: Changes): readonly string[] =>
    [...from]
      .filter(([place, change]) => other.get(place) !== change)
      .map(([place]) => nameOf.get(place) ?? "");
  return {
    name,
    listed: listed.size,
    reported: reported.size,
    unexpected: missingFrom(reported, listed),
    unreported: missingFrom(listed, reported),
  };
}

const reportedChanges = (found: readonly Mismatch[]): Changes =>
  new Map(
    found.map(({ fn, differences }): [number, Change] => [
      fn.offset,
      differences.length === 0 ? "attached" : "changed",
    ]),
  );

const isSame = (one: Changes, other: Changes): boolean =>
  one.size === other.size && [...one].every(([place, change]) => other.get(place) === change);

async function textOf(guest: Guest): Promise<bigint> {
  const line = await guest.mustExec("grep -m 1 ' _text$' /proc/kallsyms");
  return BigInt(`0x${line.split(" ", 1)[0]}`);
}
