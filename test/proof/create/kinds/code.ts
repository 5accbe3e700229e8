import type { Kind } from "./kind.ts";
import { inCmdline, include, inLoadavg, inVersion } from "./lines.ts";

/** Changes of code that can be made, or that change nothing. */
export const CODE: readonly Kind[] = [
  {
    kind: "remarks alone",
    changes: [inVersion([], ["/* A remark that was missing. */", ""])],
    expected: { outcome: "unchanged" },
  },
  {
    kind: "lines that move",
    changes: [
      {
        source: "kernel/time/hrtimer.c",
        edits: [
          { at: /^#include <linux\/cpu\.h>/, put: "before", lines: ["/* Three", "   lines", "   more. */"] },
        ],
      },
    ],
    expected: { outcome: "unchanged" },
  },
  {
    kind: "code that runs only at the start",
    changes: [
      {
        source: "fs/proc/loadavg.c",
        edits: [
          {
            from: /^static int __init proc_loadavg_init/,
            at: /^\tpde = /,
            put: "before",
            lines: ['\tif (!strcmp(saved_command_line, "4711"))', "\t\treturn 0;"],
          },
        ],
      },
    ],
    expected: { outcome: "unchanged", says: /runs only at the start.*: proc_loadavg_init/ },
  },
  {
    kind: "one function of a file that debugs dynamically",
    changes: [
      {
        source: "fs/btrfs/extent-tree.c",
        edits: [
          {
            from: /^static noinline int walk_down_proc\(/,
            at: /^\tif \(wc->stage == UPDATE_BACKREF/,
            put: "before",
            lines: ["\tBUG_ON(level < 0);", ""],
          },
        ],
      },
    ],
    expected: { outcome: "made", replaces: ["walk_down_proc"] },
  },
  {
    kind: "a function with a tracepoint",
    changes: [
      {
        source: "kernel/signal.c",
        edits: [
          {
            from: /^static int __send_signal_locked\(/,
            at: /^\tlockdep_assert_held/,
            put: "before",
            lines: ["\tif (unlikely(sig == 4711))", "\t\treturn -EINVAL;"],
          },
        ],
      },
    ],
    expected: { outcome: "made" },
  },
  {
    kind: "a function with a static call",
    changes: [
      {
        source: "fs/drop_caches.c",
        edits: [
          {
            from: /^static void drop_pagecache_sb\(/,
            at: /^\tspin_lock\(&sb->s_inode_list_lock\);/,
            put: "before",
            lines: ["\tif (unlikely(!sb->s_op))", "\t\treturn;"],
          },
        ],
      },
    ],
    expected: { outcome: "made" },
  },
  {
    kind: "a switch that becomes a table",
    changes: [
      inLoadavg(
        ['\tseq_printf(m, "%s\\n", rebootless_digit(nr_threads % 5));'],
        [
          "static noinline const char *rebootless_digit(int n)",
          "{",
          "\tswitch (n) {",
          ...["zero", "one", "two", "three"].map((word, n) => `\tcase ${n}: return "rebootless ${word}";`),
          '\tdefault: return "rebootless four";',
          "\t}",
          "}",
          "",
        ],
      ),
    ],
    expected: {
      outcome: "made",
      observe: "cat /proc/loadavg",
      during: /\nrebootless (?:zero|one|two|three|four)\n$/,
    },
  },
  {
    kind: "a new per-CPU variable",
    changes: [
      inLoadavg(
        [
          "\tthis_cpu_add(rebootless_reads, 40);",
          '\tseq_printf(m, "reads %d\\n", this_cpu_read(rebootless_reads));',
        ],
        ["static DEFINE_PER_CPU(int, rebootless_reads);", ""],
      ),
    ],
    expected: { outcome: "made", observe: "cat /proc/loadavg", during: /\nreads (?:4|8|12|16)0\n$/ },
  },
  {
    kind: "a new static key",
    changes: [
      inCmdline(
        ['\tseq_puts(m, static_branch_unlikely(&rebootless_key) ? "key on\\n" : "key off\\n");'],
        ["static DEFINE_STATIC_KEY_FALSE(rebootless_key);", ""],
      ),
    ].map((change) => ({ ...change, edits: [include("linux/jump_label.h"), ...change.edits] })),
    expected: { outcome: "made", observe: "cat /proc/cmdline", during: /\nkey off\n$/ },
  },
  {
    kind: "a function that modules use",
    changes: [
      {
        source: "fs/seq_file.c",
        edits: [
          {
            from: /^int single_open\(/,
            at: /^\tint res = -ENOMEM;/,
            put: "after",
            lines: ["", "\tif (unlikely(!file))", "\t\treturn -EINVAL;"],
          },
        ],
      },
    ],
    expected: { outcome: "made" },
  },
  {
    kind: "an inline function of a header",
    changes: [
      {
        // Not proc_pid(), which reaches 25 files: of Linux 7.3 one of its users, get_children_pid(), is refused, because
        // the assembler pads a loop otherwise in a section of its own.
        source: "fs/proc/fd.h",
        edits: [
          {
            from: /^static inline unsigned int proc_fd\(/,
            at: /^\treturn PROC_I\(inode\)->fd;/,
            put: "before",
            lines: ["\tif (unlikely(!inode))", "\t\treturn 0;"],
          },
        ],
      },
    ],
    expected: { outcome: "made" },
  },
  {
    kind: "two files",
    changes: [inLoadavg(['\tseq_puts(m, "first\\n");']), inVersion(['\tseq_puts(m, "second\\n");'])],
    expected: {
      outcome: "made",
      observe: "cat /proc/loadavg /proc/version",
      during: /\nfirst\nLinux version .*\nsecond\n$/,
    },
  },
  {
    kind: "new in one file, used in another",
    changes: [
      inVersion(
        [],
        ["int rebootless_answer(int n);", "int rebootless_answer(int n) { return n + 4700; }", ""],
      ),
      inLoadavg(
        ['\tseq_printf(m, "answer %d\\n", rebootless_answer(11));'],
        ["int rebootless_answer(int n);", ""],
      ),
    ],
    expected: { outcome: "made", observe: "cat /proc/loadavg", during: /\nanswer 4711\n$/ },
  },
  {
    kind: "new in the kernel proper, used in a module",
    changes: [
      inVersion(
        [],
        ["int rebootless_answer(int n);", "int rebootless_answer(int n) { return n + 4700; }", ""],
      ),
      {
        source: "net/8021q/vlanproc.c",
        edits: [
          {
            at: /^static int vlan_seq_show\(.*\)$/,
            put: "before",
            lines: ["int rebootless_answer(int n);", ""],
          },
          {
            from: /^static int vlan_seq_show\(.*\)$/,
            at: /SEQ_START_TOKEN/,
            put: "after",
            lines: ['\t\tseq_printf(seq, "answer %d\\n", rebootless_answer(11));'],
          },
        ],
      },
    ],
    expected: {
      outcome: "made",
      observe: "cat /proc/net/vlan/config",
      during: /^answer 4711\nVLAN Dev name/,
    },
  },
  {
    kind: "a system call of 32-bit programs",
    changes: [
      {
        source: "kernel/sys.c",
        edits: [
          {
            from: /^COMPAT_SYSCALL_DEFINE2\(setrlimit/,
            at: /^\tstruct rlimit r;/,
            put: "after",
            lines: ["", "\tif (unlikely(resource == 4711))", "\t\treturn -EINVAL;"],
          },
        ],
      },
    ],
    expected: { outcome: "made" },
  },
  {
    kind: "set-up code that ran already",
    changes: [
      {
        source: "drivers/powercap/powercap_sys.c",
        edits: [
          {
            from: /^struct powercap_zone \*powercap_register_zone\(/,
            at: /^\tif \(!name \|\| !control_type/,
            put: "before",
            lines: ["\tif (unlikely(nr_constraints == 4711))", "\t\treturn ERR_PTR(-EINVAL);"],
          },
        ],
      },
    ],
    expected: { outcome: "made", says: /from now on/ },
  },
];
