import { describe, expect, it } from "vitest";
import { judgeLayouts, type LayoutVerdict } from "../../../../publisher/create/layout/judge.ts";
import type { UnitPair } from "../../../../publisher/create/unit_pair.ts";
import { VMLINUX } from "../../../../shared/brand.ts";
import { compiled } from "../compiled.ts";

async function pairOf(before: string, after: string, source = "unit.c"): Promise<UnitPair> {
  return {
    source,
    object: VMLINUX,
    before: await compiled(before),
    after: await compiled(after),
    sourceBefore: before,
    sourceAfter: after,
  };
}

async function judged(
  pairs: readonly UnitPair[],
  { allowed = [] as readonly string[], replaced = [] as readonly string[] } = {},
): Promise<LayoutVerdict> {
  return judgeLayouts(
    pairs.map((pair) => ({ pair, replaced: new Set(replaced) })),
    allowed,
  );
}

const NONE: LayoutVerdict = { refusals: [], notes: [] };
/** The same unit with a member more in `struct foo`, which other units know. */
const grown = (more: string): string =>
  `struct foo { int a;${more} }; struct bar { struct foo foo; int last; };
int f(struct foo *foo, struct bar *bar) { return foo->a + bar->last; }`;

describe("a layout that changes", () => {
  it("is refused with the member and with code for a shadow variable", async () => {
    const { refusals, notes } = await judged([await pairOf(grown(""), grown(" unsigned long flags[2];"))]);
    expect(notes).toEqual([]);
    expect(refusals).toMatchObject([{ code: "changed_type", subject: "struct foo" }]);
    expect(refusals[0]?.reason).toContain("long unsigned int flags[2] (16 bytes at offset 8) is new");
    expect(refusals[0]?.reason).toContain("its size was 4 bytes and is 24");
    expect(refusals[0]?.reason).toContain("it is part of struct bar; unit.c uses it");
    expect(refusals[0]?.advice).toContain("--layout-ok 'struct foo'");
    expect(refusals[0]?.advice).toMatch(/^#define FOO_FLAGS 0x[0-9a-f]{8}UL/m);
    expect(refusals[0]?.advice).toMatch(/^long unsigned int \(\*flags\)\[2\];/m);
    for (const call of ["klp_shadow_get_or_alloc", "klp_shadow_get", "klp_shadow_free"])
      expect(refusals[0]?.advice).toContain(`${call}(obj, FOO_FLAGS`);
  });

  it("is refused once, whichever units it reaches", async () => {
    const pairs = await Promise.all(
      ["a.c", "b.c"].map((source) => pairOf(grown(""), grown(" int b;"), source)),
    );
    const { refusals } = await judged(pairs);
    expect(refusals.map(({ subject }) => subject)).toEqual(["struct foo"]);
    expect(refusals[0]?.reason).toContain("a.c, b.c use it");
  });

  it("is refused for each of two types of one name", async () => {
    const pairs = [
      await pairOf(grown(""), grown(" int b;"), "a.c"),
      await pairOf(grown(""), grown(" char *c;"), "b.c"),
    ];
    expect((await judged(pairs)).refusals.map(({ subject }) => subject)).toEqual([
      "struct foo",
      "struct foo",
    ]);
  });

  it("is refused with other words for an enum", async () => {
    const types = (b: number): string => `enum e { A, B = ${b} }; int f(enum e e) { return e == B; }`;
    const { refusals } = await judged([await pairOf(types(1), types(2))]);
    expect(refusals).toMatchObject([{ code: "changed_type", subject: "enum e" }]);
    expect(refusals[0]?.reason).toContain("B was 1 and is 2");
    expect(refusals[0]?.advice).toContain("Keep the values");
    expect(refusals[0]?.advice).not.toContain("klp_shadow");
  });

  it.each(["struct foo", "foo", " struct  foo "])("is let through if the author says %j", async (type) => {
    const pairs = [await pairOf(grown(""), grown(" int b;"))];
    expect(await judged(pairs, { allowed: [type] })).toEqual({
      refusals: [],
      notes: ["the layout of struct foo changes, and you said that no object of it exists from before"],
    });
  });

  it("is refused if the author names another type, and the report says that", async () => {
    const { refusals, notes } = await judged([await pairOf(grown(""), grown(" int b;"))], {
      allowed: ["struct fo", "bar"],
    });
    expect(refusals).toHaveLength(1);
    expect(notes).toEqual([
      "--layout-ok struct fo has no effect: the layout of no such type changes",
      "--layout-ok bar has no effect: the layout of no such type changes",
    ]);
  });
});

it("finds nothing in a unit that changes code alone", async () => {
  const pair = await pairOf(grown(""), grown("").replace("+ bar", "- bar"));
  expect(await judged([pair])).toEqual(NONE);
});

it("refuses a unit without type information", async () => {
  const { before: typed, ...pair } = await pairOf("int f(void) { return 1; }", "int f(void) { return 2; }");
  const before = typed.slice();
  const at = Buffer.from(before).lastIndexOf(".BTF\0");
  expect(at).toBeGreaterThan(0);
  before[at + 1] = "X".charCodeAt(0);
  expect((await judged([{ ...pair, before }])).refusals).toMatchObject([
    { code: "untyped", subject: "unit.c" },
  ]);
});

/** A unit that walks with a structure of its own on the stack. */
const walk = (more: string, { body = "", rest = "", call = "step(&w)" } = {}): string => `
struct list_head { struct list_head *next, *prev; };
struct walk { int at; ${more} };
static noinline int step(struct walk *w) { ${body} return w->at++ + exported; }
noinline int top(int n) { struct walk w = { .at = n }; while (n--) ${call}; return w.at; }
${rest}
int outer(int n) { return top(n) + top(n + 1); }`;

describe("a type that lives on stacks alone", () => {
  const MORE = "long more;";
  const REPLACED = { replaced: ["top", "step"] };
  const onStack = async (options: Parameters<typeof walk>[1], more = MORE): Promise<LayoutVerdict> =>
    judged([await pairOf(walk("", options), walk(more, options))], REPLACED);

  it("may change, and the report says so", async () => {
    expect(await onStack({})).toEqual({
      refusals: [],
      notes: [
        "the layout of struct walk changes; only functions that are replaced have such objects, on their stacks",
      ],
    });
  });

  it("may change if only static functions, without their addresses, hand it on", async () => {
    const inner = "static noinline int inner(int n, const struct walk *w);";
    const rest = "static noinline int inner(int n, const struct walk *w) { return w->at * n; }";
    const source = (more: string): string =>
      walk(more, { body: "if (!w || inner(3, w)) return 1;", rest }).replace(
        "static noinline int step",
        `${inner}\nstatic noinline int step`,
      );
    expect((await judged([await pairOf(source(""), source(MORE))], REPLACED)).refusals).toEqual([]);
  });

  it.each([
    ["a variable of the file", { rest: "struct walk kept;int g(void) { return kept.at; }" }],
    ["a static variable", { rest: "int g(int n) { static struct walk w; return w.at += n; }" }],
    [
      "a pointer in another structure",
      { rest: "struct holder { struct walk *w; }; int g(struct holder *h) { return h->w->at; }" },
    ],
    ["a sizeof", { rest: "int g(void) { return sizeof(struct walk); }" }],
    ["a sizeof of a variable", { call: "{ step(&w); n += sizeof(w); }" }],
    ["a sizeof of what is pointed to", { body: "exported = sizeof(*w);" }],
    ["a cast", { rest: "int g(void *p) { return ((struct walk *)p)->at; }" }],
    ["a local pointer", { rest: "int g(void *p) { struct walk *w = p; return w->at; }" }],
    ["a pointer that comes as void", { rest: "int g(void *p) { return step(p); }" }],
    [
      "a parameter that is set",
      {
        rest: "static noinline int set(void *p, struct walk *w) { w = p; return w->at; } int g(void *p) { struct walk w = { 1 }; return set(p, &w); }",
      },
    ],
    ["a typeof", { rest: "int g(void *p) { struct walk w; typeof(w) *q = p; return q->at; }" }],
    ["a function for other units", { rest: "int g(struct walk *w) { return w->at; }" }],
    ["a pointer to its function", { rest: "int (*hook)(struct walk *) = step;" }],
    ["a pointer to its function as void", { rest: "void *hook = step;" }],
    [
      "a macro with its name",
      { rest: "#define AT(p) (((struct walk *)(p))->at)\nint g(void *p) { return AT(p); }" },
    ],
    ["a macro with a variable", { rest: "#define HIDE exported = *(int *)&w\n" }],
    ["an array", { rest: "int g(int n) { struct walk w[2] = { { n } }; return w[n].at; }" }],
  ])("is refused with %s", async (_, options) => {
    expect((await onStack(options)).refusals).toMatchObject([
      { code: "changed_type", subject: "struct walk" },
    ]);
  });

  it("is refused if others can find it", async () => {
    const inner = "struct inner { struct list_head list; } inner;";
    const pair = await pairOf(walk(inner), walk(inner + MORE));
    expect((await judged([pair], REPLACED)).refusals).toMatchObject([{ subject: "struct walk" }]);
  });

  it("is refused if a function that has it is not replaced", async () => {
    const pair = await pairOf(walk(""), walk(MORE));
    expect((await judged([pair], { replaced: ["step"] })).refusals).toHaveLength(1);
  });

  it("is refused if the compiler put such a function into one that is not replaced", async () => {
    const inlined = (more: string): string =>
      walk(more).replace("noinline int top", "static inline __attribute__((always_inline)) int top");
    const pair = await pairOf(inlined(""), inlined(MORE));
    expect((await judged([pair], REPLACED)).refusals).toHaveLength(1);
    expect((await judged([pair], { replaced: ["outer", "step"] })).refusals).toEqual([]);
  });

  it("is refused if a header defines it, or brackets do not match", async () => {
    const pair = await pairOf(walk(""), walk(MORE));
    const elsewhere = { ...pair, sourceAfter: pair.sourceAfter.replace(/^struct walk .*$/m, "") };
    expect((await judged([elsewhere], REPLACED)).refusals).toHaveLength(1);
    const halves = {
      ...pair,
      sourceAfter: `${pair.sourceAfter}\n#if 1\nint g(void) {\n#else\nint h(void) {\n#endif\n}`,
    };
    expect((await judged([halves], REPLACED)).refusals).toHaveLength(1);
  });

  it("is refused if two units have it", async () => {
    const pairs = await Promise.all(["a.c", "b.c"].map((source) => pairOf(walk(""), walk(MORE), source)));
    expect((await judged(pairs, REPLACED)).refusals).toHaveLength(1);
  });
});
