import { describe, expect, it } from "vitest";
import { objectName } from "../../../shared/brand.ts";
import { BRANCH, between, livepatch, patchOf, section, targets } from "./unit_patch.ts";

/** A static branch that is on as compiled, as that of DO_ONCE is. */
const JUMP = `
#define JUMP(key, yes) asm goto("1: jmp %l[" #yes "]\\n.pushsection __jump_table,\\"aw\\"\\n.balign 8\\n.long 1b - .\\n.long %l[" #yes "] - .\\n.quad %c0 - .\\n.popsection" :: "i"(&key) :: yes)
`;
const fixture = objectName("fixture");

/** As DO_ONCE expands (include/linux/once.h). */
const once = (number: number, branch = "JUMP"): string => `{
  static _Bool ___done; static long ___once_key = 1; ${branch}(___once_key, l${number}); goto n${number};
  l${number}: if (start(&___done)) { set(${number}); finish(&___done, &___once_key); } n${number}:; }`;
const doingOnce = (body: string): string =>
  `${BRANCH}${JUMP}int start(_Bool *), finish(_Bool *, long *), set(int); int f(int n) { ${body} }`;
const beside = [
  "int start(_Bool *b) { return *b; } int finish(_Bool *b, long *k) { return *k; } int set(int n) { return n; }",
];

describe("DO_ONCE in a module", () => {
  it("goes on by its flag, which is the module's, without the branch of its key", async () => {
    const found = await between(doingOnce(`${once(1)} return n;`), doingOnce(`${once(1)} return n + 5;`), {
      object: fixture,
      beside,
    });
    expect(found).toMatchObject({
      kind: "patch",
      report: {
        notes: [
          "f: each call asks under a lock whether the work of DO_ONCE was done, because its static key belongs to the module",
        ],
      },
    });
    if (found.kind !== "patch") return;
    expect(section(found.patch, "__jump_table")).toBeUndefined();
    expect(targets(found.patch, ".text.f")).toContainEqual(
      expect.objectContaining({ object: fixture, name: expect.stringMatching(/^___done/) }),
    );
  });

  it("is refused where its branch is off as compiled, so that the work would never be done", async () => {
    const found = await between(
      doingOnce(`${once(1, "BRANCH")} return n;`),
      doingOnce(`${once(1, "BRANCH")} return n + 5;`),
      { object: fixture, beside },
    );
    expect(found).toMatchObject({ kind: "refused", refusals: [{ code: "static_key", subject: "f" }] });
  });

  it("is refused where a second one makes it unclear which flag is which", async () => {
    const found = await between(
      doingOnce(`${once(1)} return n;`),
      doingOnce(`${once(2)} ${once(1)} return n;`),
      { object: fixture, beside },
    );
    expect(found).toMatchObject({ kind: "refused" });
    expect(found.kind === "refused" ? found.refusals : []).toContainEqual(
      expect.objectContaining({ code: "ambiguous_data", subject: expect.stringMatching(/^___done/) }),
    );
  });
});

describe("dynamic debug of a module", () => {
  const source = (n: number): string => `${BRANCH}
int f(int n) { static long __UNIQUE_ID_ddebug7[7]; BRANCH(__UNIQUE_ID_ddebug7, yes); return n + ${n}; yes: return printk("f"); }`;

  it("stays off in what is replaced, with a note", async () => {
    const found = await between(source(1), source(2), { object: fixture });
    expect(found).toMatchObject({ kind: "patch" });
    expect(found.report.notes).toEqual([
      expect.stringMatching(/^f: the branch on __UNIQUE_ID_ddebug7.* of the module stays off or indirect$/),
    ]);
  });

  it("of the kernel itself goes on as the kernel's", async () => {
    const patch = await patchOf(source(1), source(2));
    expect(targets(patch, "__jump_table")).toContainEqual(
      expect.objectContaining({ ...livepatch(""), name: expect.stringMatching(/^__UNIQUE_ID_ddebug7/) }),
    );
  });
});
