import type { Abort, AbortCause, Aborted, Task } from "./engine.ts";

/** What to do about each cause. docs/engines.md has the same sentences. */
export const HINTS: Readonly<Record<AbortCause, string>> = {
  no_match:
    "Memory is not the code that the update was made for: compare with a fresh boot before trusting this host.",
  bad_system_map: "The update was made with the symbols of another kernel build; report it to its publisher.",
  code_busy:
    "Let these tasks leave the functions that are replaced (finish, restart or stop them), then try again.",
  module_busy: "A module that the update changes is being loaded or unloaded; try again.",
  out_of_memory: "Free memory and try again.",
  failed_to_find:
    "The kernel has no such symbol, or has it more than once: the update is not for this build; report it to its publisher.",
  already_reversed: "The update is being taken out: wait for that to end, then apply it again.",
  missing_export:
    "The kernel does not export what the module needs: another module may have to be loaded first.",
  unexpected_running_task:
    "Try again. If it fails again, a task is running that the kernel cannot account for, and only a reboot helps.",
  target_not_loaded:
    "Load the module, or allow a partial update (`--partial`), which changes the module when it is loaded.",
  call_failed: "A hook of the update refused; the kernel log (dmesg) may say why.",
  cold_update_loaded:
    "The loaded code contains the update already; nothing has to be done until the next boot.",
  unexpected: "The kernel log (dmesg) may say more; report it to the update's publisher.",
  busy_transition:
    "Another patch is in transition, and the kernel allows one at a time: try again when it has ended.",
  ftrace_disabled: "Live patching needs ftrace: `sysctl kernel.ftrace_enabled=1`.",
  kprobe_conflict:
    "A probe or a tracer holds the entry of a function: remove it (`cat /sys/kernel/debug/kprobes/list`, `bpftool perf`) and try again.",
  signature_required:
    "This kernel loads signed modules only: enrol the publisher's module key (`mokutil --import`), or get the update signed by a key that it trusts.",
  lockdown: "Kernel lockdown refuses unsigned modules: sign it with a key that this machine trusts.",
  modules_disabled: "kernel.modules_disabled=1 is set: no module can be loaded until the next boot.",
  incompatible_state: "A loaded patch changed state that this update does not know: undo that patch first.",
  already_loaded: "Undo the patch that is loaded under that name first: see `rebootless status`.",
  wrong_kernel: "The module was built for another kernel; report it to the update's publisher.",
  stopped: "The run was ended by SIGINT or SIGTERM. Run it again when it suits you.",
  unknown: "The kernel log (dmesg) may say more.",
};

/** Makes an abort. By default it left the host as it was, and no task blocked it. */
export function abortOf(
  cause: AbortCause,
  detail: string,
  more: { readonly restored?: boolean; readonly blockedBy?: readonly Task[] } = {},
): Abort {
  return { cause, detail, restored: more.restored ?? true, blockedBy: more.blockedBy ?? [] };
}

export const aborted = (abort: Abort): Aborted => ({ outcome: "aborted", ...abort });
