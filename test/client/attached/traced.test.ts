import { describe, expect, it } from "vitest";
import { parseEnabledFunctions } from "../../../client/attached/traced.ts";

// As 6.1 and 6.12 print it.
const LIST = `cmdline_proc_show (1)      \ttramp: 0xffffffffc0276000 (function_trace_call+0x0/0x120) ->function_trace_call+0x0/0x120
version_proc_show (2) R I     \ttramp: ftrace_regs_caller+0x0/0x71 (klp_ftrace_handler+0x0/0x180)
vfs_write (1)           D   \tops: ftrace_ops_list_func (arch_ftrace_ops_list_func+0x0/0x1d0)
\tdirect-->bpf_trampoline_6442536+0x0/0x1000
nvme_queue_rq [nvme] (1)             ->function_trace_call+0x0/0x120
schedule (1)            
`;

describe("the list of traced functions", () => {
  it("gives those of the kernel and of modules, and what is called from them", () => {
    expect(parseEnabledFunctions(LIST)).toEqual([
      { name: "cmdline_proc_show", module: null, callbacks: ["function_trace_call"] },
      { name: "version_proc_show", module: null, callbacks: ["klp_ftrace_handler"] },
      { name: "vfs_write", module: null, callbacks: ["arch_ftrace_ops_list_func", "bpf_trampoline_6442536"] },
      { name: "nvme_queue_rq", module: "nvme", callbacks: ["function_trace_call"] },
      { name: "schedule", module: null, callbacks: [] },
    ]);
  });

  it("may be empty", () => {
    expect(parseEnabledFunctions("")).toEqual([]);
  });
});
