import { describe, expect, it } from "vitest";
import { functionRanges } from "../../../../publisher/create/explain/definition.ts";
import { tokensOf } from "../../../../publisher/create/layout/c_text.ts";
import { typeChanges } from "../../../../publisher/create/layout/type_changes.ts";
import { unitTypes } from "../../../../publisher/create/layout/unit_types.ts";
import {
  calls,
  changedFunctions,
  copyOf,
  copyWithNeeds,
  withCopy,
} from "../../../../publisher/create/skeletons/copy_skeleton.ts";
import { patchText } from "../../../../publisher/create/skeletons/edited_patch.ts";
import { hookText, hookVariable } from "../../../../publisher/create/skeletons/hook_skeleton.ts";
import { withShadowFunctions } from "../../../../publisher/create/skeletons/shadow_skeleton.ts";
import { afterIncludes, fileStem } from "../../../../publisher/create/skeletons/skeleton.ts";
import { objectName, VMLINUX } from "../../../../shared/brand.ts";
import { compiled } from "../compiled.ts";

/** What the kernel's headers say, as far as these skeletons need it. */
const KERNEL = `
#define __maybe_unused __attribute__((unused))
#define NULL ((void *)0)
typedef unsigned gfp_t; struct klp_object;
void *klp_shadow_get(void *, unsigned long); void klp_shadow_free(void *, unsigned long, void *);
void *klp_shadow_get_or_alloc(void *, unsigned long, unsigned long, gfp_t, void *, void *);
`;
const withoutIncludes = (text: string): string => text.replaceAll(/^#include.*$/gm, "");

describe("a skeleton of shadow variables", () => {
  const unit = (more: string): string => `${KERNEL}
struct foo {
	int a;${more}
};
int f(struct foo *foo) { return foo->a; }
`;

  it("stands after the type and compiles, whatever the new members are", async () => {
    const before = unit("");
    const after = unit(" unsigned long flags[2]; int (*call)(int); unsigned bit:1;");
    const tables = [unitTypes(await compiled(before)), unitTypes(await compiled(after))] as const;
    if (tables[0] === undefined || tables[1] === undefined) throw new Error("no types");
    const [change] = typeChanges({ before: tables[0], after: tables[1] });
    if (change === undefined) throw new Error("no change");
    const text = withShadowFunctions(before, change) ?? "";
    expect(text.indexOf("FOO_FLAGS")).toBeGreaterThan(text.indexOf("struct foo {"));
    expect(text.match(/klp_shadow_get_or_alloc\(obj, \w+/g)?.map((call) => call.split(" ")[1])).toEqual([
      ...["FOO_FLAGS", "FOO_CALL", "FOO_BIT"],
    ]);
    const use =
      "void *g(struct foo *foo) { *foo_call_get(foo) = 0; foo_bit_free(foo); return foo_flags_make(foo, 1); }";
    await compiled(`${withoutIncludes(text)}${use}`, ["-Werror"]);
  });
});

describe("a skeleton of a hook", () => {
  const before = "static int level = 3;\nint get(void) { return level; }";
  const pairOf = async (object = VMLINUX) => ({
    source: "mm/unit.c",
    object,
    before: await compiled(`static int level = 3; int *get(void) { return &level; }`),
    after: new Uint8Array(),
    sourceBefore: before,
    sourceAfter: before.replace("= 3;", "= 4 /* \u202e */ \\\n;"),
  });

  it("names the variable with its old and new value in comments, compiles, and sets nothing", async () => {
    const text = hookText(VMLINUX, "hook.c", [hookVariable(await pairOf(), "level")], true);
    expect(text).toContain("\n//     static int level = 3;\n");
    expect(text).toContain("\n//     static int level = 4 /* \\u202e */\n");
    expect(text).toContain("\nextern int level;\n");
    const code = text.replaceAll(/\/\/.*$/gm, "");
    expect(code).not.toMatch(/level\s*=/);
    await compiled(`${KERNEL}${withoutIncludes(text)}`, ["-Werror"]);
  });

  it("can name what C has no name for, and says for which module it is", async () => {
    const pair = await pairOf(objectName("xfs"));
    const text = hookText(pair.object, "hook.c", [hookVariable(pair, "level.3")], false);
    expect(text).toContain('extern char level_3[] __asm__("level.3");');
    expect(text).toContain("--hooks xfs=hook.c");
    const object = await compiled(`${KERNEL}${withoutIncludes(text)}\nchar *at(void) { return level_3; }`);
    expect(Buffer.from(object).includes("level.3\0")).toBe(true);
  });
});

describe("a skeleton of a copy", () => {
  const HEADER = `#ifndef H
static inline int first(int n) { return n; }
static inline __attribute__((unused)) int
second(int n)
{
	return n ? second(n - 1) : first(n);
}
#endif
`;

  it("is made of the functions whose lines a patch changes", () => {
    expect(changedFunctions(HEADER, [6])).toEqual([{ name: "second", from: 3, to: 7 }]);
    expect(changedFunctions(HEADER, [1, 8])).toEqual([]);
    expect(functionRanges(tokensOf(HEADER), HEADER.split("\n")).map(({ name }) => name)).toEqual([
      "first",
      "second",
    ]);
  });

  it("has another name, in itself too, and is static", () => {
    const [second] = changedFunctions(HEADER, [6]);
    if (second === undefined) throw new Error("not found");
    expect(copyOf(HEADER, second)).toContain(
      "second_live(int n)\n{\n\treturn n ? second_live(n - 1) : first(n);",
    );
    const [plain] = changedFunctions("int f(int n)\n{\n}\n", [2]);
    if (plain === undefined) throw new Error("not found");
    expect(copyOf("int f(int n)\n{\n}\n", plain)).toMatch(/^static int f_live\(/);
  });

  it("takes with it the static functions and constants that it needs, and no variables", () => {
    const text = `#include <a.h>
static const char sizes[] = {
	1, 2,
};
static int state;
static int unused(void) { return 0; }
static int helper(int n)
{
	return sizes[n];
}
int f(int n)
{
	state++;
	return helper(n);
}
`;
    const [f] = changedFunctions(text, [13]);
    if (f === undefined) throw new Error("not found");
    expect(copyWithNeeds(text, f)).toBe(`#include <a.h>
static const char sizes_live[] = {
	1, 2,
};

static int helper_live(int n)
{
	return sizes_live[n];
}

static int f_live(int n)
{
	state++;
	return helper_live(n);
}`);
  });

  it("is called in code, and not in comments, strings and longer names", () => {
    const text = `#include <a.h>
/* second(1) */ // second(2)
int f(void) { return second (3) + my_second(4) + g("second(5)", second); }
`;
    expect(calls(text, "second")).toBe(true);
    expect(calls(text, "third")).toBe(false);
    expect(calls("/* second(1) */", "second")).toBe(false);
    const edited = withCopy(text, "second", "COPY");
    expect(edited).toContain("#include <a.h>\n\n/* A copy of second()");
    expect(edited).toContain('return second_live (3) + my_second(4) + g("second(5)", second);');
    expect(edited).toContain("/* second(1) */ // second(2)");
  });
});

describe("what skeletons are written with", () => {
  it("is put after the includes that no condition encloses", () => {
    expect(afterIncludes("#include <a.h>\n#ifdef X\n#include <b.h>\n#endif\nint x;", "NEW")).toBe(
      "#include <a.h>\n\nNEW\n#ifdef X\n#include <b.h>\n#endif\nint x;",
    );
  });

  it("becomes a patch, and is refused where it is not UTF-8", async () => {
    const file = (text: string) => ({ path: "a/b.c", before: "one\ntwo\n", after: text });
    const utf8 = Buffer.from("ü\n").toString("latin1");
    expect(await patchText([file(`one\n${utf8}`)])).toBe(
      `--- a/a/b.c\n+++ b/a/b.c\n@@ -1,2 +1,2 @@\n one\n-two\n+${utf8}`,
    );
    await expect(patchText([file("one\n\xff\n")])).rejects.toThrow("not UTF-8");
  });

  it("has file names without what a name of a symbol may hold", () => {
    expect(fileStem("struct foo")).toBe("foo");
    expect(fileStem("../../etc/passwd")).toMatch(/^_etc_passwd_[0-9a-f]{6}$/);
    expect(fileStem("level.3")).not.toBe(fileStem("level_3"));
  });
});
