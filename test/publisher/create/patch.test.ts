import { describe, expect, it } from "vitest";
import { differentiate } from "../../../publisher/create/difference.ts";
import { NOTHING_SHARED } from "../../../publisher/create/resolve/shared_names.ts";
import { wholeUnit } from "../../../publisher/create/whole_unit.ts";
import { objectName, VMLINUX } from "../../../shared/brand.ts";
import { CHECKSUM, compiled, kernelWith } from "./compiled.ts";
import { BRANCH, between, livepatch, patchOf, section, targets } from "./unit_patch.ts";

describe("what a patch refers to", () => {
  it("takes exports by their checksums, all else by name, and new code and strings along", async () => {
    const patch = await patchOf(
      "static int hidden = 1; int f(int n) { hidden += n; return exported; }",
      'static int hidden = 1; static noinline int h(int n) { return printk("new", n); } int f(int n) { hidden += h(n); return exported; }',
    );
    expect(patch.replaces).toMatchObject([{ name: "f", position: 0 }]);
    const found = targets(patch, ".text.f");
    expect(found).toContainEqual({ kind: "export", name: "exported", crc: CHECKSUM });
    expect(found).toContainEqual(livepatch("hidden"));
    const called = found.find(({ kind }) => kind === "own");
    expect(called?.kind === "own" ? patch.sections[called.section]?.name : "").toBe(".text.h");
    expect(patch.sections.flatMap(({ bytes }) => [...bytes]).join()).toContain(
      [..."new"].map((c) => c.charCodeAt(0)).join(),
    );
  });

  it("calls changed functions directly, and gives away the address of the old one", async () => {
    const source = (n: number): string =>
      `int (*kept)(int); noinline int g(int n) { return n * ${n}; } int f(int n) { kept = g; return g(n) + ${n}; }`;
    const patch = await patchOf(source(3), source(5));
    const found = targets(patch, ".text.f");
    expect(found.filter((target) => target.kind === "livepatch" && target.name === "g")).toHaveLength(1);
    const called = found.find(({ kind }) => kind === "own");
    expect(called?.kind === "own" ? patch.sections[called.section]?.name : "").toBe(".text.g");
  });

  it("replaces what calls a function that cannot be redirected", async () => {
    const source = (n: number): string =>
      `static notrace noinline int g(int n) { return printk("g", n) * ${n}; } int f(int n) { return g(n) + 1; }`;
    const patch = await patchOf(source(3), source(5));
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    const called = targets(patch, ".text.f").find(({ kind }) => kind === "own");
    expect(called?.kind === "own" ? patch.sections[called.section]?.name : "").toBe(".text.g");
  });

  it("refuses a function that cannot be redirected and is reached by its address", async () => {
    const source = (n: number): string =>
      `int (*kept)(int); static notrace noinline int g(int n) { return printk("g", n) * ${n}; } int f(int n) { kept = g; return g(n); }`;
    expect(await between(source(3), source(5))).toMatchObject({
      kind: "refused",
      refusals: [
        {
          code: "no_fentry",
          subject: "g",
          advice: expect.stringMatching(/^Change the functions that call it/),
        },
      ],
    });
  });

  it("refuses a function of a file that is compiled without tracing, and does not send its author to callers", async () => {
    const source = (n: number): string => `notrace int f(int n) { return printk("f", n) * ${n}; }`;
    expect(await between(source(3), source(5))).toMatchObject({
      kind: "refused",
      refusals: [
        {
          code: "no_fentry",
          subject: "f",
          reason: expect.stringContaining("no function of its file can be traced"),
          advice: expect.stringMatching(/Otherwise this change needs a restart\.$/),
        },
      ],
    });
  });

  it("tells two functions of one name apart by their code", async () => {
    const unit = (n: number): string =>
      `static noinline int same(int n) { return printk("one", n); } int f(int n) { return same(n) + ${n}; }`;
    const other =
      'static noinline int same(int n) { return printk("two", n) - 7; } int k(int n) { return same(n); }';
    const patch = await patchOf(unit(1), unit(2), { beside: [other] });
    expect(targets(patch, ".text.f")).toContainEqual(livepatch("same", 2));
  });

  it("tells two equal functions of one name apart by who calls them", async () => {
    const unit = (n: number): string =>
      `static noinline int same(int n) { return printk("one", n); } int f(int n) { return same(n) + ${n}; }`;
    const other =
      'static noinline int same(int n) { return printk("one", n); } int k(int n) { return same(n); }';
    const patch = await patchOf(unit(1), unit(2), { beside: [other] });
    expect(targets(patch, ".text.f")).toContainEqual(livepatch("same", 2));
  });

  it("takes a module's symbols from the module, and imports the name space of what it uses", async () => {
    const unit = (n: number): string =>
      `static int hidden; static noinline int g(int n) { return printk("g", n); } int f(int n) { hidden++; return other(n) + g(n) + exported + ${n}; }`;
    const fixture = objectName("fixture");
    const patch = await patchOf(unit(1), unit(2), { object: fixture });
    const found = targets(patch, ".text.f");
    expect(found).toContainEqual(livepatch("hidden", 0, fixture));
    expect(found).toContainEqual(livepatch("g", 0, fixture));
    expect(found).toContainEqual(livepatch("other"));
    expect(patch.importNamespaces).toEqual(["SPACE"]);
  });
});

const WARN = `
#define WARN(flags) asm volatile("1: ud2\\n.pushsection __bug_table,\\"aw\\"\\n2: .long 1b - .\\n.long %c0 - .\\n.word %c1\\n.word " #flags "\\n.popsection" :: "i"(__FILE__), "i"(__LINE__))
`;
describe("special tables", () => {
  it("keeps the entries of what is kept", async () => {
    const source = (n: number): string => `${WARN}
int f(int n) { if (n) WARN(1); return ${n}; }
int g(int n) { if (n) WARN(1); return 0; }`;
    const patch = await patchOf(source(1), source(2));
    const bugs = section(patch, "__bug_table");
    expect(bugs?.size).toBe(12);
    const [first] = bugs?.relocations ?? [];
    expect(first?.target.kind === "own" ? patch.sections[first.target.section]?.name : "").toBe(".text.f");
    expect(section(patch, "__mcount_loc")?.size).toBe(8);
  });

  it("takes a warning on another line for the same", async () => {
    const source = (lines: string): string => `${WARN}${lines}int f(int n) { if (n) WARN(1); return 1; }`;
    expect(await between(source(""), source("\n\n\n"))).toMatchObject({ kind: "unchanged" });
  });

  it("takes a warning of another kind for a change", async () => {
    const source = (flags: number): string => `${WARN}int f(int n) { if (n) WARN(${flags}); return 1; }`;
    expect(await between(source(1), source(3))).toMatchObject({ kind: "patch", report: { changed: ["f"] } });
  });

  it("takes a branch on another key for a change, and keys of the kernel as they are", async () => {
    const source = (key: string): string => `${BRANCH}
static int one = 1; static int two = 1; int use(void) { return one + two; } void set(void) { one++; two++; }
int f(int n) { BRANCH(${key}, yes); return n; yes: return n + 1; }`;
    const patch = await patchOf(source("one"), source("two"));
    expect(section(patch, "__jump_table")?.size).toBe(16);
    expect(targets(patch, "__jump_table")).toContainEqual(livepatch("two"));
  });

  it("finds a numbered key that only the jump table refers to, so that unchanged functions stay", async () => {
    const debug = (number: number, label: string): string =>
      `static long __UNIQUE_ID_ddebug${number}[7] __attribute__((section("__dyndbg"))); BRANCH(__UNIQUE_ID_ddebug${number}, ${label});`;
    const source = (number: number, added: string): string => `${BRANCH}
int f(int n) { ${debug(number, "yes")} ${added} return n; yes: return other(n); }
int g(int n) { ${debug(number + 1, "yes")} return n; yes: return other(n) + 1; }
int h(int n) { ${debug(number + 2, "yes")} return n; yes: return other(n) + 2; }`;
    const patch = await patchOf(source(7, ""), source(9, "if (n == 7) __builtin_trap();"));
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    expect(targets(patch, "__jump_table")).toContainEqual(
      expect.objectContaining({ name: expect.stringMatching(/^__UNIQUE_ID_ddebug7/) }),
    );
  });

  it("refuses a branch on a key of a module", async () => {
    const source = (n: number): string => `${BRANCH}
static int key = 1; void set(void) { key++; }
int f(int n) { BRANCH(key, yes); return n; yes: return n + ${n}; }`;
    const found = await between(source(1), source(2), { object: objectName("fixture") });
    expect(found).toMatchObject({ kind: "refused", refusals: [{ code: "static_key", subject: "f" }] });
  });
});

describe("run-pre", () => {
  it("refuses a function that is not what the distribution ships, and says where it differs", async () => {
    const found = await between(
      "int f(int n) { return n * 3 + exported; }",
      "int f(int n) { return n * 3 - exported; }",
      { shipped: "int f(int n) { return n * 5 + exported; }" },
    );
    expect(found).toMatchObject({ kind: "refused", refusals: [{ code: "run_pre", subject: "f" }] });
    expect(JSON.stringify(found)).toMatch(/at byte \d+: compiled [0-9a-f]+, shipped [0-9a-f]+/);
  });

  it("refuses a function that refers to something else", async () => {
    const source = (call: string): string =>
      `noinline int g(int n) { return n * 7; } noinline int h(int n) { return n * 9; } int f(int n) { return ${call}(n) + 1; }`;
    const found = await between(source("g"), source("g").replace("+ 1", "+ 2"), { shipped: source("h") });
    expect(JSON.stringify(found)).toContain("it does not refer to g");
  });

  it("accepts the short jump that an assembler makes of a call at the end", async () => {
    const source = (n: number): string =>
      `static noinline int g(int n) { return printk("g", n) * ${n}; } int f(int n) { exported = ${n}; return g(n); }`;
    expect(await between(source(3), source(5))).toMatchObject({ kind: "patch" });
  });

  it("refuses a function that is there twice and that nothing tells apart", async () => {
    const unit = (n: number): string =>
      `static noinline int same(int n) { return n + ${n}; } int (*f(void))(int) { return same; }`;
    const other = unit(1).replace("f(void)", "k(void)");
    const found = await between(unit(1), unit(2), { beside: [other] });
    expect(found.kind).toBe("patch"); // f tells
    const alone = (n: number): string =>
      `static noinline __attribute__((used)) int same(int n) { return n + ${n}; }`;
    expect(await between(alone(1), alone(2), { beside: [alone(1)] })).toMatchObject({
      kind: "refused",
      refusals: [{ code: "run_pre", subject: "same" }],
    });
  });
});

describe("a unit of the author's own", () => {
  const hook = (name: string): string =>
    `int ${name}(int); static int called; int pre_patch(void) { called++; return ${name}(called) + exported; }`;

  it("is kept whole, with the kernel's functions by name", async () => {
    const kernel = await kernelWith("int f(int n) { return n; }");
    const kept = wholeUnit(await compiled(hook("other")), "hook.c", VMLINUX, kernel);
    expect(kept.replaces).toEqual([]);
    expect(kept.symbols.map(({ name }) => name)).toEqual(["pre_patch", "called"]);
    expect(targets(kept, ".text.pre_patch")).toContainEqual(livepatch("other"));
  });

  it("may be a part of a unit that changes, as callbacks of patches for kpatch are", async () => {
    const before = "int f(int n) { return n; }";
    const pair = {
      source: "unit.c",
      object: VMLINUX,
      before: await compiled(before),
      after: await compiled(`int f(int n) { return n + 1; } ${hook("other")}`),
      sourceBefore: before,
      sourceAfter: before,
    };
    const shared = { ...NOTHING_SHARED, given: new Set(["pre_patch"]) };
    const found = differentiate(pair, await kernelWith(before), shared);
    expect(found).toMatchObject({
      kind: "patch",
      report: { changed: ["f"], added: ["pre_patch", "called"], unused: [] },
    });
  });

  it("is refused if it needs what the kernel does not have", async () => {
    const kernel = await kernelWith("int f(int n) { return n; }");
    const file = await compiled(hook("missing"));
    expect(() => wholeUnit(file, "hook.c", VMLINUX, kernel)).toThrowError(
      expect.objectContaining({ code: "not_live", message: expect.stringContaining("pre_patch") }),
    );
  });

  it("is refused without a hook", async () => {
    const kernel = await kernelWith("int f(int n) { return n; }");
    const file = await compiled("int helper(void) { return 1; }");
    expect(() => wholeUnit(file, "hook.c", VMLINUX, kernel)).toThrowError(
      expect.objectContaining({ code: "usage", message: "hook.c has no hook" }),
    );
  });
});
