import type { Kind } from "./kind.ts";
import { include } from "./lines.ts";

const CMDLINE = "fs/proc/cmdline.c";
const SHOW = /^static int cmdline_proc_show/;
const LAST = { from: SHOW, at: /^\treturn 0;/, put: "before" } as const;

/** Changes whose effect is seen while they are applied, and not before or after. */
export const SEEN: readonly Kind[] = [
  {
    kind: "new function",
    changes: [
      {
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
      },
    ],
    expected: {
      outcome: "made",
      observe: "cat /proc/version",
      during: /^Linux version .*\nrebootless 2\nrebootless 1\nrebootless 0\n$/,
    },
  },
  {
    kind: "static local",
    changes: [
      {
        source: CMDLINE,
        edits: [
          {
            ...LAST,
            lines: ["\t{", "\t\tstatic int reads = 40;", '\t\tseq_printf(m, "read %d\\n", ++reads);', "\t}"],
          },
        ],
      },
    ],
    expected: {
      outcome: "made",
      observe: "cat /proc/cmdline; cat /proc/cmdline",
      during: /read 41\n[\s\S]*read 42\n$/,
    },
  },
  {
    kind: "data alone",
    changes: [
      {
        source: "kernel/sys.c",
        edits: [{ at: /^int overflowuid = /, put: "instead", lines: ["int overflowuid = 4711;"] }],
      },
    ],
    expected: { outcome: "refused", code: "changed_data" },
  },
  {
    kind: "data by hooks",
    changes: [{ source: CMDLINE, edits: [{ ...LAST, lines: ['\tseq_puts(m, "hooked\\n");'] }] }],
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
    expected: {
      outcome: "made",
      observe: "cat /proc/cmdline /proc/sys/fs/pipe-max-size; dmesg | grep -o 'rebootless pre_patch.*'",
      during: /hooked\n196608\nrebootless pre_patch of vmlinux\n$/,
    },
  },
  {
    kind: "WARN",
    changes: [
      {
        source: CMDLINE,
        edits: [include("linux/bug.h"), { ...LAST, lines: ['\tWARN(m->count, "rebootless warns\\n");'] }],
      },
    ],
    expected: {
      outcome: "made",
      observe: "dmesg -c >/dev/null; cat /proc/cmdline >/dev/null; dmesg -c | grep -E 'WARNING|rebootless w'",
      during: /rebootless warns\n.*WARNING: .* at fs\/proc\/cmdline\.c:\d+ cmdline_proc_show\+/,
    },
  },
  {
    kind: "jump label",
    changes: [
      {
        source: CMDLINE,
        edits: [
          include("linux/filter.h"),
          {
            ...LAST,
            lines: ["\tif (static_branch_unlikely(&bpf_stats_enabled_key))", '\t\tseq_puts(m, "key on\\n");'],
          },
        ],
      },
    ],
    expected: {
      outcome: "made",
      observe:
        "key=/proc/sys/kernel/bpf_stats_enabled; for on in 0 1 0; do echo $on >$key; cat /proc/cmdline; echo $on; done",
      during: /^[^\n]*\n0\n[^\n]*\nkey on\n1\n[^\n]*\n0\n$/,
    },
  },
  {
    kind: "alternatives",
    changes: [
      {
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
      },
    ],
    expected: {
      outcome: "made",
      observe:
        "cat /proc/cmdline; grep -qw avx2 /proc/cpuinfo && ! grep -qw amx_tile /proc/cpuinfo && echo so it is",
      during: /has avx2\nno amx\nso it is\n$/,
    },
  },
  {
    kind: "duplicate symbol",
    changes: [
      {
        source: "fs/proc/consoles.c",
        edits: [
          {
            from: /^static void \*c_start\(/,
            at: /^\tconsole_(?:list_)?lock\(\);/,
            put: "before",
            lines: ["\tif (*pos == 0)", '\t\tseq_puts(m, "rebootless console\\n");'],
          },
        ],
      },
    ],
    expected: {
      outcome: "made",
      observe: "grep -c ' c_start$' /proc/kallsyms; cat /proc/consoles; head -n 1 /proc/crypto /proc/cpuinfo",
      during: /^[2-9]\nrebootless console\n.*ttyS0/,
    },
  },
  {
    kind: "system call",
    changes: [
      {
        source: "kernel/sys.c",
        edits: [
          {
            from: /^SYSCALL_DEFINE0\(getppid\)/,
            at: /^\treturn pid;/,
            put: "instead",
            lines: ["\treturn pid > 1 ? 4711 : pid;"],
          },
        ],
      },
    ],
    expected: { outcome: "made", observe: "sh -c 'echo $PPID'", during: /^4711\n$/ },
  },
  {
    kind: "module",
    changes: [
      {
        source: "net/8021q/vlanproc.c",
        edits: [
          {
            from: /^static int vlan_seq_show\(.*\)$/,
            at: /SEQ_START_TOKEN/,
            put: "after",
            lines: ['\t\tseq_printf(seq, "rebootless %u\\n", vn->name_type);'],
          },
        ],
      },
    ],
    expected: {
      outcome: "made",
      observe: "cat /proc/net/vlan/config",
      during: /^rebootless \d\nVLAN Dev name/,
    },
  },
];
