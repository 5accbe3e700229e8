import { describe, expect, it } from "vitest";
import { objectName, VMLINUX } from "../../../shared/brand.ts";
import { SECTION_FLAG } from "../../../shared/elf/sections.ts";
import { between, patchOf, section } from "./unit_patch.ts";

/** A WARN() that prints, whose code refers to its entry (Linux 7.3, arch/x86/include/asm/bug.h). */
const WARN = `int warned(void *);
#define WARN(format) ({ void *bug; asm volatile("lea (2f)(%%rip), %0\\n1:\\n.pushsection __bug_table,\\"aw\\"\\n2:\\n.long 1b - .\\n.long %c1 - .\\n.long %c2 - .\\n.word %c3\\n.word 8\\n.org 2b + 16\\n.popsection" : "=r"(bug) : "i"(format), "i"(__FILE__), "i"(__LINE__)); warned(bug); })
`;
const beside = ["int warned(void *bug) { return bug != 0; }"];
const two = (n: number, first = "one %d"): string => `${WARN}
int g(int n) { if (n == 7) WARN("of g"); return n; }
int f(int n) { if (n == 8) WARN("${first}"); if (n == 9) WARN("two %d"); return n + ${n}; }`;

describe.each([
  ["the kernel", VMLINUX],
  ["a module", objectName("fixture")],
])("a warning of %s that refers to its entry of the bug table", (_, object) => {
  it("refers to the entry that the update has for it", async () => {
    const patch = await patchOf(two(1), two(2), { object, beside });
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    const table = patch.sections.findIndex(({ name }) => name === "__bug_table");
    expect(patch.sections[table]?.size).toBe(32);
    const own = section(patch, ".text.f")?.relocations.filter(({ target }) => target.kind === "own") ?? [];
    expect(own.map(({ target, addend }) => [target, addend])).toEqual([
      [{ kind: "own", section: table, offset: 0 }, -4n],
      [{ kind: "own", section: table, offset: 16 }, -4n],
    ]);
    const [code] = patch.sections[table]?.relocations ?? [];
    expect(code).toMatchObject({ offset: 0, target: { kind: "own" } });
  });

  it("is another one if it prints something else, and not if its line has moved", async () => {
    const other = await patchOf(two(1), two(1, "three %d"), { object, beside });
    expect(other.replaces.map(({ name }) => name)).toEqual(["f"]);
    const moved = await between(two(1), two(1).replace("int g", "\n\nint g"), { object, beside });
    expect(moved.kind).toBe("unchanged");
  });

  it("must refer to the entry about itself in what is shipped", async () => {
    const shipped = two(1).replace("lea (2f)", "lea 2f+16");
    const found = await between(two(1), two(2), { object, beside, shipped });
    expect(found).toMatchObject({ kind: "refused" });
    expect(JSON.stringify(found.kind === "refused" ? found.refusals : [])).toContain(
      "entry of the bug table",
    );
  });
});

describe("what UBSAN reports about a place in code", () => {
  const checked = (n: number, more = ""): string => `// gcc: -fsanitize=bounds
int table[8];
int g(int n) { return table[n & 15]; }
int f(int n) { ${more} return table[n] + ${n}; }`;
  const handler = ["void __ubsan_handle_out_of_bounds(void *data, void *index) {}"];

  it("is copied into the update, where it may be written to", async () => {
    const patch = await patchOf(checked(1), checked(2), { beside: handler });
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    const reports = patch.sections.filter(({ name }) => name.startsWith(".data..Lubsan_data"));
    expect(reports.map(({ flags }) => flags & SECTION_FLAG.write)).toEqual([SECTION_FLAG.write]);
  });

  it("makes no difference by its number alone", async () => {
    const found = await between(
      checked(1),
      checked(1).replace("int g(", "int h(int n) { return table[n]; }\n#line 3\nint g("),
      {
        beside: handler,
      },
    );
    expect(found.report.changed).toEqual([]);
  });
});
