import type { Abort, AbortCause, Aborted, Task } from "./engine.ts";

/** What to do about each cause: one sentence. */
export const HINTS: Readonly<Record<AbortCause, string>> = {
  no_match:
    "Memory is not the code that the update was made for: compare with a fresh boot before trusting this host.",
  bad_system_map: "The update was made with the symbols of another kernel build; report it to its publisher.",
  code_busy:
    "Let these tasks leave the functions that are replaced (finish, restart or stop them), then try again.",
  module_busy: "A module that changes is loading or unloading at this moment; try again.",
  out_of_memory: "Free memory and try again.",
  failed_to_find:
    "The kernel has no such symbol, or has it more than once: the update is not for this build; report it to its publisher.",
  already_reversed: "It is on its way out already: let that end, then apply it again.",
  missing_export:
    "The kernel does not export what the module needs: a module it stands on may have to be loaded first.",
  unexpected_running_task:
    "Try again; if it stays, a task runs that the kernel cannot account for, and only a reboot clears it.",
  target_not_loaded:
    "Load the module, or allow a partial update (`--partial`): its part then waits until the module is loaded.",
  call_failed: "A hook of the update refused; the kernel log (dmesg) may say why.",
  cold_update_loaded:
    "The update is compiled into what is loaded already; nothing has to be done for this boot.",
  unexpected: "The kernel log (dmesg) may say more; report it to the update's publisher.",
  busy_transition:
    "Another patch is in transition, and the kernel does one at a time: try again when it is done.",
  ftrace_disabled: "Live patching needs ftrace: `sysctl kernel.ftrace_enabled=1`.",
  kprobe_conflict:
    "A probe or a tracer holds the entry of a function: remove it (`cat /sys/kernel/debug/kprobes/list`, `bpftool perf`) and try again.",
  signature_required:
    "This kernel loads signed modules only: enrol the publisher's module key (`mokutil --import`), or get the update signed by a key that it trusts.",
  lockdown: "Kernel lockdown lets no unsigned module in: sign it with a key that this machine trusts.",
  modules_disabled: "Somebody set kernel.modules_disabled=1: until the next boot no module can be loaded.",
  incompatible_state: "A loaded patch changed state that this one does not know: undo that one first.",
  already_loaded: "See `rebootless status`; what is loaded under that name has to be undone first.",
  wrong_kernel: "The module was built for another kernel; report it to the update's publisher.",
  stopped: "It was SIGINT or SIGTERM: run it again when it suits.",
  unknown: "The kernel log (dmesg) may say more.",
};

/** An abort that left the host as it was, unless told. */
export function abortOf(
  cause: AbortCause,
  detail: string,
  more: { readonly restored?: boolean; readonly blockedBy?: readonly Task[] } = {},
): Abort {
  return { cause, detail, restored: more.restored ?? true, blockedBy: more.blockedBy ?? [] };
}

export const aborted = (abort: Abort): Aborted => ({ outcome: "aborted", ...abort });
