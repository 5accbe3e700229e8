import type { ModuleRunner } from "../guest/module_runner.ts";
import type { Workshop } from "../workshop.ts";
import type { SourceChange } from "./kind.ts";
import type { Played } from "./play.ts";
import { SEEN } from "./seen.ts";

/**
 * How long the second transition may take, in milliseconds. Without unwind data for the first update's functions, it
 * would end only once the kernel sends the sleeping task a signal, after 15 s.
 */
const LIMIT_MS = 10_000;

/** In place of the way by which nanosleep(2) goes to sleep, so that the sleeping task has it on its stack. */
const SLEEP: SourceChange = {
  source: "kernel/time/hrtimer.c",
  edits: [
    {
      from: /^long hrtimer_nanosleep\(/,
      at: /^\tret = do_nanosleep\(/,
      put: "before",
      lines: ["\tif (unlikely(rqtp == 4711))", "\t\treturn -EINVAL;"],
    },
  ],
};

/** Applies two updates, the second while a task sleeps in a function of the first, and undoes both. */
export async function playStacked(workshop: Workshop, runner: ModuleRunner): Promise<Played> {
  const make = async (name: string, changes: readonly SourceChange[]) => {
    const files = await workshop.rewritten(changes);
    const { report, module } = await workshop.make(name, files);
    if (module === undefined) throw new Error(`${name} was not made: ${JSON.stringify(report.units)}`);
    return module;
  };
  const problems: string[] = [];
  try {
    const first = await make("stacked_first", [SLEEP]);
    const second = await make("stacked_second", SEEN[0]?.changes ?? []);
    const guest = await runner.guest();
    for (const { name, bytes } of [first, second]) await guest.putFile(`/root/made/${name}.ko`, bytes);
    await guest.mustExec(
      `dmesg -c >/dev/null; /root/prove.sh apply ${first.name}; (sleep 600 & echo $! >/tmp/asleep); sleep 1`,
    );
    const stack = await guest.mustExec("cat /proc/$(cat /tmp/asleep)/stack");
    if (
      !stack.includes(`hrtimer_nanosleep+`) ||
      !stack.includes(`[${first.name}]`) ||
      !/entry_SYSCALL/.test(stack)
    )
      problems.push(`the sleeping task's stack is not whole:\n${stack}`);
    const began = performance.now();
    await guest.mustExec(`/root/prove.sh apply ${second.name}`);
    const ms = Math.round(performance.now() - began);
    if (ms > LIMIT_MS) problems.push(`the second transition took ${ms} ms`);
    const seen = await guest.mustExec(
      `cat /proc/version; kill $(cat /tmp/asleep); sleep 1; /root/prove.sh undo ${second.name} && /root/prove.sh undo ${first.name}; dmesg`,
    );
    if (!/rebootless 0/.test(seen)) problems.push(`the second update has no effect: ${seen}`);
    if (/Unpatched return thunk|WARNING|BUG:/.test(seen)) problems.push(seen);
  } catch (error) {
    problems.push(String(error));
  }
  return { kind: "two updates, with a task asleep in the first", problems };
}
