import { describe, expect, it } from "vitest";
import { problemsIn } from "../../../publisher/try/kernel_log.ts";

/** One line of each kind, as Linux 6.12 writes it. */
const PROBLEMS = [
  "WARNING: CPU: 1 PID: 7 at mm/slub.c:1 kfree+0x1/0x2",
  "WARNING: possible circular locking dependency detected",
  "WARNING: possible recursive locking detected",
  "WARNING: inconsistent lock state",
  "WARNING: suspicious RCU usage",
  "BUG: kernel NULL pointer dereference, address: 0000000000000000",
  "BUG: unable to handle page fault for address: ffffffffc0000000",
  "BUG: sleeping function called from invalid context at mm/page_alloc.c:1",
  "BUG: KASAN: slab-use-after-free in fixed+0x1/0x2",
  "BUG: KFENCE: out-of-bounds read in fixed+0x1/0x2",
  "Oops: Oops: 0000 [#1] PREEMPT SMP PTI",
  "Oops: general protection fault, maybe for address 0x1: 0000 [#1] SMP",
  "kernel BUG at fs/inode.c:1!",
  "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
  "rcu: INFO: rcu_preempt self-detected stall on CPU",
  "INFO: task sh:1 blocked for more than 120 seconds.",
  "UBSAN: array-index-out-of-bounds in fs/a.c:1:1",
  "list_add corruption. next->prev should be prev",
  "refcount_t: underflow; use-after-free.",
  "Kernel panic - not syncing: Fatal exception",
  "rebootless_fix: Unknown symbol fixed (err -2)",
  "livepatch: failed to enable patch 'rebootless_fix'",
];

const HARMLESS = [
  "livepatch: enabling patch 'rebootless_fix'",
  "livepatch: 'rebootless_fix': starting patching transition",
  "livepatch: 'rebootless_fix': patching complete",
  "rebootless_fix: tainting kernel with TAINT_LIVEPATCH",
  "rebootless_fix: module verification failed: signature and/or required key missing - tainting kernel",
  "EXT4-fs (nvme0n1): mounted filesystem without journal. Quota mode: none.",
  "EXT4-fs (nvme0n1): warning: maximal mount count reached, running e2fsck is recommended",
  "clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable",
];

describe("a kernel's log", () => {
  it.each(PROBLEMS)("has a problem: %s", (line) => {
    expect(problemsIn(`[    1.000000] ${line}\n`)).toEqual([`[    1.000000] ${line}`]);
  });

  it.each(HARMLESS)("has no problem: %s", (line) => {
    expect(problemsIn(`[    1.000000] ${line}\n`)).toEqual([]);
  });

  it("has soft lockups that are a slow machine's doing, and with KVM the kernel's", () => {
    const line = "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [sh:1]";
    expect(problemsIn(line, "tcg")).toEqual([]);
    expect(problemsIn(line, "kvm")).toEqual([line]);
  });
});
