import { describe, expect, it } from "vitest";
import { differentiate, type UnitDifference } from "../../../publisher/create/difference.ts";
import { VMLINUX } from "../../../shared/brand.ts";
import { compiled, kernelWith } from "./compiled.ts";

interface Case {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** Other units of the kernel. */
  readonly beside?: readonly string[];
  /** What is made of it, in a line: what is changed; what is new; or refusals, `code subject`. */
  readonly expected: string;
}

async function difference({ before, after, beside = [] }: Case): Promise<UnitDifference> {
  const pair = {
    source: "unit.c",
    object: VMLINUX,
    before: await compiled(before),
    after: await compiled(after),
    sourceBefore: before,
    sourceAfter: after,
  };
  return differentiate(pair, await kernelWith(before, ...beside));
}

function summary(found: UnitDifference): string {
  const { changed, added, initOnly, dropped } = found.report;
  const list = (title: string, names: readonly string[]): string =>
    names.length === 0 ? "" : `; ${title} ${[...names].sort().join(" ")}`;
  switch (found.kind) {
    case "refused":
      return `refused: ${found.refusals.map(({ code, subject }) => `${code} ${subject}`).join(", ")}`;
    case "unchanged":
      return `unchanged${list("init", initOnly)}`;
    case "patch":
      return `patch${list("changed", changed)}${list("added", added)}${list("dropped", dropped)}${list("init", initOnly)}`;
  }
}

const CALLER = "noinline int g(int n) { return n + 1; } int f(int n) { return g(n) + VALUE; }";
const CASES: readonly Case[] = [
  {
    name: "the same source",
    before: 'int f(int n) { return printk("%d", n); }',
    after: 'int f(int n) { return printk("%d", n); }',
    expected: "unchanged",
  },
  {
    name: "lines that move",
    before: 'int f(int n) { return printk("%d", n); }',
    after: '/* a\n   remark */\n\nint f(int n) { return printk("%d", n); }',
    expected: "unchanged",
  },
  {
    name: "an immediate operand",
    before: CALLER.replace("VALUE", "5"),
    after: CALLER.replace("VALUE", "6"),
    expected: "patch; changed f",
  },
  {
    name: "a string of the same length",
    before: 'int f(int n) { return printk("one", n); } int g(int n) { return printk("two", n); }',
    after: 'int f(int n) { return printk("One", n); } int g(int n) { return printk("two", n); }',
    expected: "patch; changed f",
  },
  {
    name: "strings in another order",
    before: 'int f(int n) { return printk("one", n); } int g(int n) { return printk("two", n); }',
    after: 'int g(int n) { return printk("two", n); } int f(int n) { return printk("one", n); }',
    expected: "unchanged",
  },
  {
    name: "another function called",
    before: "int f(int n) { return printk(0, n) + 1; }",
    after: "int f(int n) { return other(n) + 1; }",
    expected: "patch; changed f",
  },
  {
    name: "a new function",
    before: "int f(int n) { return n; }",
    after: 'static noinline int h(int n) { return printk("%d", n); } int f(int n) { return h(n) + 1; }',
    expected: "patch; changed f; added h",
  },
  {
    name: "a new function that nothing needs",
    before: "int f(int n) { return n; }",
    after: "int h(int n) { return n * 3; } int f(int n) { return n; }",
    expected: "unchanged",
  },
  {
    name: "a function that is gone",
    before: 'static noinline int h(int n) { return printk("%d", n); } int f(int n) { return h(n) + 1; }',
    after: "int f(int n) { return n; }",
    expected: "patch; changed f; dropped h",
  },
  {
    name: "a static local whose number moved",
    before: "int f(void) { static int count; return ++count; }",
    after:
      "int e(void) { static int count; return ++count; } int f(void) { static int count; return ++count; }",
    expected: "unchanged",
  },
  {
    name: "a static local of a changed function is the kernel's",
    before: "int f(void) { static int count; return ++count; }",
    after: "int f(void) { static int count; return ++count * 3; }",
    expected: "patch; changed f",
  },
  {
    name: "new static data",
    before: "int f(void) { return 1; }",
    after: "static int calls; int f(void) { return ++calls; }",
    expected: "patch; changed f; added calls",
  },
  {
    name: "the initial value of data",
    before: "int limit = 4; int f(int n) { return n < limit; }",
    after: "int limit = 5; int f(int n) { return n < limit; }",
    expected: "refused: changed_data limit",
  },
  {
    name: "the size of data",
    before: "int limits[4]; int f(int n) { return limits[n]; }",
    after: "int limits[8]; int f(int n) { return limits[n]; }",
    expected: "refused: changed_layout limits",
  },
  {
    name: "a constant table that functions alone use",
    before:
      "static const short table[] = { 1, 2, 3, 4, 9, 7 }; int f(int n) { return table[n]; } int g(int n) { return n; }",
    after:
      "static const short table[] = { 1, 2, 3, 4, 9, 8 }; int f(int n) { return table[n]; } int g(int n) { return n; }",
    expected: "patch; changed f",
  },
  {
    name: "a table of functions",
    before:
      "static int a(int n) { return n; } static int b(int n) { return -n; } struct ops { int (*call)(int); }; static const struct ops ops = { a }; const struct ops *use(void) { return &ops; } int f(int n) { return b(n); }",
    after:
      "static int a(int n) { return n; } static int b(int n) { return -n; } struct ops { int (*call)(int); }; static const struct ops ops = { b }; const struct ops *use(void) { return &ops; } int f(int n) { return b(n); }",
    expected: "refused: changed_data ops",
  },
  {
    name: "code that runs at the start only",
    before: "int __init start(void) { return 1; }",
    after: "int __init start(void) { return 2; }",
    expected: "unchanged; init start",
  },
  {
    name: "a function that cannot be redirected",
    before: "notrace noinline int f(int n) { return n; }",
    after: "notrace noinline int f(int n) { return n + 1; }",
    expected: "refused: no_fentry f",
  },
  {
    name: "a cold part",
    before: `void rare(int) __attribute__((cold)); int f(int n) { if (n == 7) { rare(n); printk("a"); return 1; } return printk("d"); }`,
    after: `void rare(int) __attribute__((cold)); int f(int n) { if (n == 7) { rare(n); printk("b"); return 1; } return printk("d"); }`,
    beside: ["void rare(int n) {}"],
    expected: "patch; changed f f.cold",
  },
];

describe("the difference of two compiled units", () => {
  it.each(CASES)("$name: $expected", async (one) => {
    expect(summary(await difference(one))).toBe(one.expected);
  });
});

describe("the main loop of a kernel thread", () => {
  const loop = `int kthread_should_stop(void); int loop(void *data) { while (!kthread_should_stop()) other(NUMBER); return 0; } int f(int n) { return other(n) + NUMBER; }`;
  const [before, after] = [loop.replaceAll("NUMBER", "1"), loop.replaceAll("NUMBER", "2")];

  it("is told of, and nothing else is", async () => {
    const beside = ["int kthread_should_stop(void) { return 1; }"];
    const { report } = await difference({ name: "", expected: "", before, after, beside });
    expect(report.changed).toEqual(["loop", "f"]);
    expect(report.notes).toEqual([
      "loop calls kthread_should_stop: if it is the main loop of a kernel thread, hosts can neither apply nor undo this update while that thread runs",
    ]);
  });
});
