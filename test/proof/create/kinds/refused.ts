import type { Kind } from "./kind.ts";
import { inCmdline, include, inLoadavg, inVersion } from "./lines.ts";

/** Changes that cannot be made to a running kernel. */
export const REFUSED: readonly Kind[] = [
  {
    kind: "a table of operations",
    changes: [
      {
        source: "fs/proc/consoles.c",
        edits: [
          {
            from: /^static const struct seq_operations consoles_op/,
            at: /^\t\.next\t= /,
            put: "instead",
            lines: ["\t.next\t= NULL,"],
          },
        ],
      },
    ],
    expected: { outcome: "refused", code: "changed_data" },
  },
  {
    kind: "another section",
    changes: [
      {
        source: "fs/proc/loadavg.c",
        edits: [
          {
            at: /^static int loadavg_proc_show/,
            put: "before",
            lines: ['__attribute__((section(".init.text")))'],
          },
        ],
      },
    ],
    expected: { outcome: "refused", code: "changed_section" },
  },
  {
    kind: "a makefile",
    changes: [
      {
        source: "fs/proc/Makefile",
        edits: [{ at: /^proc-y/, put: "before", lines: ["ccflags-y += -DREBOOTLESS"] }],
      },
    ],
    expected: { outcome: "refused", code: "file" },
  },
  {
    kind: "the configuration",
    changes: [
      {
        source: "fs/proc/Kconfig",
        edits: [{ at: /^config PROC_FS/, put: "before", lines: ["# A remark."] }],
      },
    ],
    expected: { outcome: "refused", code: "file" },
  },
  {
    kind: "assembly",
    changes: [
      {
        source: "arch/x86/lib/copy_page_64.S",
        edits: [{ at: /^\tmovl\t/, put: "before", lines: ["\tnop"] }],
      },
    ],
    expected: { outcome: "refused", code: "file" },
  },
  {
    kind: "what does not compile",
    changes: [inVersion(["\tthis is not C;"])],
    expected: { outcome: "refused", code: "compile", says: /error: / },
  },
  {
    kind: "a file that is compiled without tracing",
    changes: [
      {
        source: "lib/idr.c",
        edits: [
          {
            from: /^void ida_free\(/,
            at: /^\tif \(\(int\)id < 0\)/,
            put: "before",
            lines: ["\tif (unlikely(id == 4711))", "\t\treturn;"],
          },
        ],
      },
    ],
    expected: { outcome: "refused", code: "no_fentry", says: /cannot redirect it by livepatch/ },
  },
  {
    kind: "a static key of a module",
    changes: [
      {
        source: "net/bridge/br_input.c",
        edits: [
          {
            from: /^int br_handle_frame_finish\(/,
            at: /^\tif \(!p\)|^\tif \(!p \|\|/,
            put: "before",
            lines: ["\tif (unlikely(skb->len == 4711))", "\t\tgoto drop;"],
          },
        ],
      },
    ],
    expected: { outcome: "refused", code: "static_key" },
  },
  {
    kind: "a function that may not be called through a pointer",
    series: "6.12",
    changes: [
      inLoadavg(
        ['\tseq_printf(m, "%u\\n", rebootless_running());'],
        ["static unsigned int (*volatile rebootless_running)(void) = nr_running;", ""],
      ),
    ],
    expected: { outcome: "refused", code: "indirect_target" },
  },
  {
    kind: "code that the kernel has freed",
    changes: [
      inCmdline(
        ["\trebootless_early(m);"],
        [
          "static noinline void __init rebootless_early(struct seq_file *m)",
          "{",
          '\tseq_puts(m, "early\\n");',
          "}",
          "",
        ],
      ),
    ],
    expected: { outcome: "refused", code: "init" },
  },
  {
    kind: "a header that only shows more of a type",
    changes: [{ source: "fs/seq_file.c", edits: [include("linux/kvm_host.h")] }],
    expected: { outcome: "refused", code: "export", says: /__GENKSYMS__/ },
  },
];
