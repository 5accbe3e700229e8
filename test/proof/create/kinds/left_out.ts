import type { Kind } from "./kind.ts";
import { inCmdline, include, inLoadavg } from "./lines.ts";

/** What a live patch does not bring, and must say. */
export const LEFT_OUT: readonly Kind[] = [
  {
    kind: "a parameter",
    changes: [
      {
        ...inLoadavg(
          ['\tseq_printf(m, "parameter %d\\n", rebootless_level);'],
          ["static int rebootless_level = 47;", "module_param(rebootless_level, int, 0644);", ""],
        ),
      },
    ].map(({ source, edits }) => ({ source, edits: [include("linux/moduleparam.h"), ...edits] })),
    expected: {
      outcome: "made",
      says: /rebootless_level/,
      observe: "cat /proc/loadavg",
      during: /\nparameter 47\n$/,
    },
  },
  {
    kind: "an initcall",
    changes: [
      inCmdline(
        ['\tseq_puts(m, "called\\n");'],
        [
          "static int __init rebootless_call(void)",
          "{",
          "\treturn 0;",
          "}",
          "late_initcall(rebootless_call);",
          "",
        ],
      ),
    ],
    expected: {
      outcome: "made",
      says: /rebootless_call/,
      observe: "cat /proc/cmdline",
      during: /\ncalled\n$/,
    },
  },
  {
    kind: "a start parameter",
    changes: [
      inCmdline(
        ['\tseq_puts(m, "set up\\n");'],
        [
          "static int __init rebootless_setup(char *text)",
          "{",
          "\treturn 1;",
          "}",
          '__setup("rebootless=", rebootless_setup);',
          "",
        ],
      ),
    ],
    expected: { outcome: "made", says: /rebootless/, observe: "cat /proc/cmdline", during: /\nset up\n$/ },
  },
  {
    kind: "an export",
    changes: [
      inCmdline(
        ['\tseq_printf(m, "%d\\n", rebootless_given(1));'],
        [
          "int rebootless_given(int n);",
          "int rebootless_given(int n) { return n + 4710; }",
          "EXPORT_SYMBOL_GPL(rebootless_given);",
          "",
        ],
      ),
    ].map(({ source, edits }) => ({ source, edits: [include("linux/export.h"), ...edits] })),
    expected: {
      outcome: "made",
      says: /rebootless_given/,
      observe: "cat /proc/cmdline",
      during: /\n4711\n$/,
    },
  },
];
