import type { ModuleName } from "../../support/guest/modules/build.ts";

/** Something that changes the code of a running kernel on purpose. */
export interface Activity {
  readonly name: string;
  readonly start: string;
  readonly stop: string;
  /** What the guest's own lists must show then, or the activity is not the one that it is named after. */
  readonly shows: readonly RegExp[];
}

/** Modules that must be at /root in the guest. */
export const ACTIVITY_MODULES = [
  "rebootless_demo_cmdline",
  "rebootless_test_probes",
] as const satisfies readonly ModuleName[];
const [LIVEPATCH, PROBES] = ACTIVITY_MODULES;
const patch = `/sys/kernel/livepatch/${LIVEPATCH}`;
const until = (condition: string): string =>
  `for i in $(seq 300); do ${condition} && exit 0; usleep 100000; done; exit 1`;

const tracer = (name: string, filter: string): Pick<Activity, "start" | "stop"> => ({
  start: `cd /sys/kernel/tracing && echo '${filter}' >set_ftrace_filter && echo ${name} >current_tracer`,
  stop: "cd /sys/kernel/tracing && echo nop >current_tracer && echo >set_ftrace_filter",
});
const livepatch: Pick<Activity, "start" | "stop"> = {
  start: `insmod /root/${LIVEPATCH}.ko && ${until(`grep -q 0 ${patch}/transition`)}`,
  stop: `echo 0 >${patch}/enabled && ${until(`rmmod ${LIVEPATCH}`)}`,
};
const kprobes: Pick<Activity, "start" | "stop"> = {
  start: `insmod /root/${PROBES}.ko && ${until("grep -q 'vfs_mkdir.*OPTIMIZED' /sys/kernel/debug/kprobes/list")}`,
  stop: `rmmod ${PROBES}`,
};

const LIVEPATCHED = new RegExp(`/${LIVEPATCH}/vmlinux/cmdline_proc_show,1$`, "m");
const EXT4 = /^ext4_\w+ \(\d+\)/m;
/** At an entry (past its endbr) by way of ftrace and as an int3; within a function as an int3 and as a jump. */
const PROBED = [
  / k +vfs_statfs\+0x[04] +\[FTRACE\]$/m,
  / k +rdmsr_safe_regs\+0x[04] *$/m,
  / k +vfs_link\+0x\w+ *$/m,
  / k +vfs_mkdir\+0x\w+ +\[OPTIMIZED\]$/m,
];

const AT_REST: Activity = { name: "at rest", start: "true", stop: "true", shows: [] };
const FILTERED: Activity = {
  name: "function tracer on ext4",
  ...tracer("function", "ext4_*"),
  shows: [EXT4],
};

export const ACTIVITIES: readonly Activity[] = [
  AT_REST,
  { name: "livepatch", ...livepatch, shows: [LIVEPATCHED] },
  FILTERED,
  {
    name: "function_graph tracer on ext4",
    ...tracer("function_graph", "ext4_*"),
    shows: [EXT4],
  },
  { name: "kprobes", ...kprobes, shows: PROBED },
  {
    name: "livepatch, function tracer and kprobes",
    start: [livepatch, FILTERED, kprobes].map(({ start }) => `(${start})`).join(" && "),
    stop: [kprobes, FILTERED, livepatch].map(({ stop }) => `(${stop})`).join(" && "),
    shows: [LIVEPATCHED, EXT4, ...PROBED],
  },
  { ...AT_REST, name: "at rest again" },
];

/** Every function that can be traced; it makes the guest slow. */
export const TRACE_EVERYTHING: Activity = {
  name: "function tracer on everything",
  // What it writes is not wanted, and costs more than the calls.
  start:
    "cd /sys/kernel/tracing && echo 0 >tracing_on && echo >set_ftrace_filter && echo function >current_tracer",
  stop: "cd /sys/kernel/tracing && echo nop >current_tracer && echo 1 >tracing_on",
  shows: [EXT4, /^vfs_read \(\d+\)/m],
};
