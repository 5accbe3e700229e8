import type { Kind, SourceChange } from "./kind.ts";

const EVENTPOLL = "fs/eventpoll.c";

/** Lines after one of fs/eventpoll.c, and a changed function: only what changed code uses is looked at. */
const inEventpoll = (
  from: RegExp,
  at: RegExp,
  lines: readonly string[],
  put: "after" | "instead" = "after",
): SourceChange => ({
  source: EVENTPOLL,
  edits: [
    { from, at, put, lines },
    {
      from: /^static int do_epoll_create\(/,
      at: /^\tif \(flags & ~EPOLL_CLOEXEC\)/,
      put: "before",
      lines: ["\tif (unlikely(flags == 4711))", "\t\treturn -EPERM;"],
    },
  ],
});

/** Changes of types whose objects the running kernel has already, and of types of which it has none. */
export const LAYOUTS: readonly Kind[] = [
  {
    kind: "a new member",
    changes: [inEventpoll(/^struct eppoll_entry \{/, /^\tstruct epitem \*base;/, ["\tint rebootless;"])],
    expected: {
      outcome: "refused",
      code: "changed_type",
      says: /eppoll_entry[\s\S]*rebootless[\s\S]*klp_shadow/,
    },
  },
  {
    kind: "a new member that the author vouches for",
    changes: [inEventpoll(/^struct eppoll_entry \{/, /^\twait_queue_head_t \*whead;/, ["\tint rebootless;"])],
    layoutOk: ["struct eppoll_entry"],
    expected: { outcome: "made", says: /eppoll_entry/ },
  },
  {
    kind: "a structure that lives only on stacks",
    changes: [
      {
        source: "net/core/neighbour.c",
        edits: [
          {
            from: /^struct neigh_dump_filter \{/,
            at: /^\tint master_idx;/,
            put: "before",
            lines: ["\tint rebootless;"],
          },
        ],
      },
    ],
    expected: { outcome: "made", says: /neigh_dump_filter changes; only functions that are replaced/ },
  },
  {
    kind: "a structure on a stack that others find by a pointer to a part of it",
    changes: [inEventpoll(/^struct ep_pqueue \{/, /^\tpoll_table pt;/, ["\tint rebootless;"])],
    expected: { outcome: "refused", code: "changed_type", says: /struct ep_pqueue/ },
  },
  {
    kind: "a bit-field",
    changes: [
      inEventpoll(
        /^struct eventpoll \{/,
        /^\tstruct user_struct \*user;/,
        ["\tunsigned int rebootless:3;", "\tstruct user_struct *user;"],
        "instead",
      ),
    ],
    expected: { outcome: "refused", code: "changed_type", says: /struct eventpoll[\s\S]*rebootless/ },
  },
  {
    kind: "a smaller member",
    changes: [inEventpoll(/^struct eventpoll \{/, /^\tu64 gen;/, ["\tu32 gen;"], "instead")],
    expected: { outcome: "refused", code: "changed_type", says: /struct eventpoll[\s\S]*gen/ },
  },
  {
    kind: "another value of an enumerator",
    changes: [
      {
        source: "kernel/signal.c",
        edits: [
          {
            from: /^enum sig_handler \{/,
            at: /^\tHANDLER_CURRENT,/,
            put: "before",
            lines: ["\tHANDLER_REBOOTLESS,"],
          },
        ],
      },
    ],
    expected: { outcome: "refused", code: "changed_type", says: /enum sig_handler/ },
  },
];
