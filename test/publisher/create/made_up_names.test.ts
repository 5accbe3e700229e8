import { describe, expect, it } from "vitest";
import { objectName } from "../../../shared/brand.ts";
import { between, livepatch, patchOf, targets } from "./unit_patch.ts";

describe("clones that a compiler numbers", () => {
  const clone = (number: number, factor: number): string =>
    `static noinline int clone${factor}(int n) asm("g.constprop.${number}"); static noinline int clone${factor}(int n) { return printk("g", n) * ${factor}; }`;
  const callers = (three: number): string =>
    `int a(int n) { return clone3(n) + ${three}; } int b(int n) { return clone5(n) + 2; }`;

  it("stay themselves where one more moves their numbers", async () => {
    const before = `${clone(0, 3)} ${clone(1, 5)} ${callers(1)}`;
    const after = `${clone(0, 7)} ${clone(1, 3)} ${clone(2, 5)} ${callers(1)} int c(int n) { return clone7(n); }`;
    expect(await between(before, after)).toMatchObject({ kind: "unchanged" });
  });

  it("lead to the kernel's clone of the same code, whatever its number there", async () => {
    const before = `${clone(0, 3)} ${clone(1, 5)} ${callers(1)}`;
    const after = `${clone(0, 5)} ${clone(1, 3)} ${callers(9)}`;
    const patch = await patchOf(before, after);
    expect(patch.replaces.map(({ name }) => name)).toEqual(["a"]);
    expect(targets(patch, ".text.a")).toContainEqual(livepatch("g.constprop.0"));
  });
});

describe("tables that a compiler makes of a switch", () => {
  const choice = (name: string, last: number): string =>
    `int ${name}(int n) { switch (n) { case 0: return 11; case 1: return 47; case 2: return 5; case 3: return 98; case 4: return ${last}; } return -1; }`;

  it("are compared by content where their numbers move", async () => {
    const before = `${choice("f", 3)} ${choice("g", 4)}`;
    const after = `${choice("e", 9)} ${choice("f", 3)} ${choice("g", 4)}`;
    expect(await between(before, after)).toMatchObject({ kind: "unchanged" });
  });

  it("change their function alone, which gets a table of its own", async () => {
    const before = `${choice("f", 3)} ${choice("g", 4)}`;
    const after = `${choice("g", 4)} ${choice("f", 8)}`;
    const patch = await patchOf(before, after);
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    expect(targets(patch, ".text.f").map(({ kind }) => kind)).toContain("own");
  });
});

describe("static locals that a compiler numbers", () => {
  const twice = `int f(int n) { { static int count; count += n; } { static long count; count -= n; return count; } }`;

  it("stay themselves where one before them takes their numbers", async () => {
    const after = `int e(int n) { static int count; return count += n; } ${twice}`;
    expect(await between(twice, after)).toMatchObject({ kind: "unchanged" });
  });

  it("are refused where a function gets one more of their name, and nothing tells which is new", async () => {
    const after = twice.replace("{ {", "{ { static int count; if (count++) return 1; } {");
    expect(await between(twice, after)).toMatchObject({
      kind: "refused",
      refusals: expect.arrayContaining([expect.objectContaining({ code: "ambiguous_data" })]),
    });
  });
});

describe("functions as newer kernels compile them", () => {
  const source = (flags: string, n: number): string => `// gcc: ${flags}
static noinline int g(int n) { return printk("g", n); } int (*kept(void))(int) { return g; }
int f(int n) { return g(n) + exported + ${n}; } int h(int n) { return g(n); }`;

  it.each([
    ["ENDBR64 in front of the call of __fentry__", "-fcf-protection=branch"],
    ["padding in front of the function", "-fpatchable-function-entry=16,16"],
    ["both", "-fcf-protection=branch -fpatchable-function-entry=16,16"],
  ])("are replaced: %s", async (_, flags) => {
    const patch = await patchOf(source(flags, 1), source(flags, 2));
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    expect(targets(patch, ".text.f")).toContainEqual(livepatch("g"));
    const module = objectName("fixture");
    const part = await patchOf(source(flags, 1), source(flags, 2), { object: module });
    expect(targets(part, ".text.f")).toContainEqual(livepatch("g", 0, module));
  });
});
