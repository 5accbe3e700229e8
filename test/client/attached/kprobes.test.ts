import { describe, expect, it } from "vitest";
import { parseKprobes } from "../../../client/attached/kprobes.ts";

// As 6.1 prints it, for root and for whom kptr_restrict hides addresses.
const LIST = `ffffffffad94d3d0  k  vfs_write+0x0    [FTRACE]
0000000000000000  k  vfs_read+0x9    [OPTIMIZED]
ffffffffad94d100  r  do_sys_open+0x14    [DISABLED]
ffffffffc0276010  k  nvme_queue_rq+0x10  nvme  [OPTIMIZED]
ffffffffad94d200  k  kernel_clone+0x1f4  
ffffffffad94d300  k  unused+0x3    [GONE]
ffffffffad94d400  k  ffffffffad94d400
`;

describe("the list of kprobes", () => {
  it("gives those that are armed, in the kernel and in modules", () => {
    expect(parseKprobes(LIST)).toEqual([
      { name: "vfs_write", module: null, offset: 0, optimised: false, ftrace: true },
      { name: "vfs_read", module: null, offset: 9, optimised: true, ftrace: false },
      { name: "nvme_queue_rq", module: "nvme", offset: 0x10, optimised: true, ftrace: false },
      { name: "kernel_clone", module: null, offset: 0x1f4, optimised: false, ftrace: false },
    ]);
  });

  it("may be empty", () => {
    expect(parseKprobes("")).toEqual([]);
  });
});
