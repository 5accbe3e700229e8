import type { Accelerator } from "./guest/qemu.ts";

/**
 * Lines with which a kernel says that something is wrong, in Linux 6.1 to 7.3: oopses and warnings
 * (arch/x86/kernel/traps.c, lib/bug.c), locks (kernel/locking/lockdep.c), RCU (kernel/rcu/tree_stall.h), tasks
 * (kernel/hung_task.c, kernel/watchdog.c), memory (mm/page_alloc.c, mm/kasan, mm/kfence, lib/list_debug.c) and modules
 * (kernel/module, kernel/livepatch). The taint of a live patch is nothing wrong.
 */
const PROBLEMS =
  /\bBUG:|\bWARNING:|Oops|general protection|invalid opcode|Call Trace|kernel BUG|Kernel panic|UBSAN|KASAN|KFENCE|stack segment|double fault|hung_task|blocked for more|rcu.*(stall|detected)|suspicious RCU|locking dependency detected|recursive locking|inconsistent lock state|Bad page|list_(add|del) corruption|refcount_t: |livepatch: .*(fail|error|cannot|not found)|Unknown symbol|disagrees about|Skipping invalid|no symbol version/i;

/** What is not the update's doing: one disk is mounted often. */
const HARMLESS = /clocksource|hrtimer: interrupt took|perf: interrupt took|maximal mount count/i;

/** What is the machine's doing when it is emulated: a processor that is not scheduled for long. */
const SLOW_MACHINE = /soft lockup/i;

/** Returns the lines of a kernel's log that say that something is wrong. */
export function problemsIn(log: string, accelerator: Accelerator = "tcg"): readonly string[] {
  const isHarmless = (line: string): boolean =>
    HARMLESS.test(line) || (accelerator === "tcg" && SLOW_MACHINE.test(line));
  return log.split("\n").filter((line) => PROBLEMS.test(line) && !isHarmless(line));
}
