import { type HostJournal, hostJournal } from "../apply/host_journal.ts";
import type { ChangeRun, RunningKernel } from "../apply/upgrade_parts.ts";
import type { Context } from "../context.ts";
import { progressTo } from "../engines/aborted.ts";
import { engines } from "../engines/engines.ts";
import { openKernelCore } from "../host/kcore.ts";
import { moduleFiles } from "../host/module_files.ts";
import { runningModules } from "../host/modules.ts";
import type { Host } from "../this_host.ts";
import type { Results } from "./results.ts";

/** The running kernel and a run that may change it, for `upgrade`, `undo` and `boot`. */
export interface PreparedChange {
  readonly kernel: RunningKernel;
  readonly run: Omit<ChangeRun, "journal"> & { readonly journal: HostJournal };
}

export async function changeRun(context: Context, host: Host, results: Results): Promise<PreparedChange> {
  const { system, terminal } = context;
  const stop = context.stop.signal;
  return {
    kernel: {
      system,
      engines: engines({
        system,
        stop,
        deadlineMs: host.config.stallDeadline,
        progress: progressTo(terminal.progress),
      }),
      memory: openKernelCore,
      modules: runningModules,
      moduleFile: moduleFiles(host.kernel.release),
    },
    run: {
      journal: await hostJournal(context, host),
      report: results.report,
      progress: terminal.progress,
      stop,
    },
  };
}
