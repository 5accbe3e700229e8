/** A change of ours to the distribution's source, and how it is seen in a guest. */
export interface Scenario {
  /** What kind of change: a word for it. */
  readonly kind: string;
  readonly source: string;
  /** Made one after the other. Each must be possible exactly where it says. */
  readonly edits: readonly Edit[];
  /** C of ours whose functions livepatch calls around the change. */
  readonly hooks?: readonly string[];
  /** A shell script for the guest. */
  readonly observe: string;
  /** The output while the change is applied; what it is without must be another. */
  readonly during: RegExp;
  /** The change must be refused for this reason; then the output stays as it is. */
  readonly refused?: string;
}

/** Lines of ours, put before or after the first line that matches, from the first line on that matches `from`. */
export interface Edit {
  readonly from?: RegExp;
  readonly at: RegExp;
  readonly put: "before" | "after" | "instead";
  readonly lines: readonly string[];
}

const CMDLINE = "fs/proc/cmdline.c";
const SHOW = /^static int cmdline_proc_show/;
const LAST = { from: SHOW, at: /^\treturn 0;/, put: "before" } as const;
const include = (header: string): Edit => ({
  at: /^#include/,
  put: "before",
  lines: [`#include <${header}>`],
});

export const SCENARIOS: readonly Scenario[] = [
  {
    kind: "new function",
    source: "fs/proc/version.c",
    edits: [
      {
        at: /^static int version_proc_show/,
        put: "before",
        lines: [
          "static noinline void rebootless_said(struct seq_file *m, int left)",
          "{",
          '\tseq_printf(m, "rebootless %d\\n", left);',
          "\tif (left > 0)",
          "\t\trebootless_said(m, left - 1);",
          "}",
        ],
      },
      {
        from: /^static int version_proc_show/,
        at: /^\treturn 0;/,
        put: "before",
        lines: ["\trebootless_said(m, 2);"],
      },
    ],
    observe: "cat /proc/version",
    during: /^Linux version .*\nrebootless 2\nrebootless 1\nrebootless 0\n$/,
  },
  {
    kind: "static local",
    source: CMDLINE,
    edits: [
      {
        ...LAST,
        lines: ["\t{", "\t\tstatic int reads = 40;", '\t\tseq_printf(m, "read %d\\n", ++reads);', "\t}"],
      },
    ],
    observe: "cat /proc/cmdline; cat /proc/cmdline",
    during: /read 41\n[\s\S]*read 42\n$/,
  },
  {
    kind: "data alone",
    source: "kernel/sys.c",
    edits: [{ at: /^int overflowuid = /, put: "instead", lines: ["int overflowuid = 4711;"] }],
    observe: "cat /proc/sys/kernel/overflowuid",
    during: /^65534\n$/,
    refused: "changed_data",
  },
  {
    kind: "data by hooks",
    source: CMDLINE,
    edits: [{ ...LAST, lines: ['\tseq_puts(m, "hooked\\n");'] }],
    hooks: [
      "#include <linux/livepatch.h>",
      "#include <linux/printk.h>",
      // Local to fs/pipe.c.
      "extern unsigned int pipe_max_size;",
      "int pre_patch(struct klp_object *obj);",
      "int pre_patch(struct klp_object *obj)",
      "{",
      "\tpipe_max_size = 196608;",
      '\tpr_info("rebootless pre_patch of %s\\n", obj->name ? obj->name : "vmlinux");',
      "\treturn 0;",
      "}",
      "void post_unpatch(struct klp_object *obj);",
      "void post_unpatch(struct klp_object *obj)",
      "{",
      "\tpipe_max_size = 1048576;",
      "}",
    ],
    observe: "cat /proc/cmdline /proc/sys/fs/pipe-max-size; dmesg | grep -o 'rebootless pre_patch.*'",
    during: /hooked\n196608\nrebootless pre_patch of vmlinux\n$/,
  },
  {
    kind: "WARN",
    source: CMDLINE,
    edits: [include("linux/bug.h"), { ...LAST, lines: ['\tWARN(m->count, "rebootless warns\\n");'] }],
    observe: "dmesg -c >/dev/null; cat /proc/cmdline >/dev/null; dmesg -c | grep -E 'WARNING|rebootless w'",
    during: /rebootless warns\n.*WARNING: .* at fs\/proc\/cmdline\.c:\d+ cmdline_proc_show\+/,
  },
  {
    kind: "jump label",
    source: CMDLINE,
    edits: [
      include("linux/filter.h"),
      {
        ...LAST,
        lines: ["\tif (static_branch_unlikely(&bpf_stats_enabled_key))", '\t\tseq_puts(m, "key on\\n");'],
      },
    ],
    observe:
      "key=/proc/sys/kernel/bpf_stats_enabled; for on in 0 1 0; do echo $on >$key; cat /proc/cmdline; echo $on; done",
    during: /^[^\n]*\n0\n[^\n]*\nkey on\n1\n[^\n]*\n0\n$/,
  },
  {
    kind: "alternatives",
    source: CMDLINE,
    edits: [
      include("asm/cpufeature.h"),
      {
        ...LAST,
        lines: [
          '\tseq_puts(m, static_cpu_has(X86_FEATURE_AVX2) ? "has avx2\\n" : "no avx2\\n");',
          '\tseq_puts(m, static_cpu_has(X86_FEATURE_AMX_TILE) ? "has amx\\n" : "no amx\\n");',
        ],
      },
    ],
    observe:
      "cat /proc/cmdline; grep -qw avx2 /proc/cpuinfo && ! grep -qw amx_tile /proc/cpuinfo && echo so it is",
    during: /has avx2\nno amx\nso it is\n$/,
  },
  {
    kind: "duplicate symbol",
    source: "fs/proc/consoles.c",
    edits: [
      {
        from: /^static void \*c_start\(/,
        at: /^\tconsole_lock\(\);/,
        put: "before",
        lines: ["\tif (*pos == 0)", '\t\tseq_puts(m, "rebootless console\\n");'],
      },
    ],
    // Functions of this name that are not meant.
    observe: "grep -c ' c_start$' /proc/kallsyms; cat /proc/consoles; head -n 1 /proc/crypto /proc/cpuinfo",
    during: /^[2-9]\nrebootless console\n.*ttyS0/,
  },
  {
    kind: "system call",
    source: "kernel/sys.c",
    edits: [
      {
        from: /^SYSCALL_DEFINE0\(getppid\)/,
        at: /^\treturn pid;/,
        put: "instead",
        lines: ["\treturn pid > 1 ? 4711 : pid;"],
      },
    ],
    observe: "sh -c 'echo $PPID'",
    during: /^4711\n$/,
  },
  {
    kind: "module",
    source: "net/8021q/vlanproc.c",
    edits: [
      {
        from: /^static int vlan_seq_show\(.*\)$/,
        at: /SEQ_START_TOKEN/,
        put: "after",
        lines: ['\t\tseq_printf(seq, "rebootless %u\\n", vn->name_type);'],
      },
    ],
    observe: "cat /proc/net/vlan/config",
    during: /^rebootless \d\nVLAN Dev name/,
  },
];
