import { describe, expect, it } from "vitest";
import { findDefinition } from "../../../../publisher/create/explain/definition.ts";
import { realLines } from "../../../../publisher/create/explain/real_lines.ts";
import { tokensOf } from "../../../../publisher/create/layout/c_text.ts";

const TEXT = `#include <a.h>
/* int limit(void) { } */
extern int count;
int limit(int n);
static int count __read_mostly =
	3;
#define TWICE(x) \\
	((x) + (x))
struct foo {
	int a;
};
static struct foo the_foo = { .a = 1 };
static __always_inline
int limit(int n)
{
	static int calls;
#ifdef A
	if (n) {
#else
	if (count) {
#endif
		calls++;
	}
	return other(n);
}
SYSCALL_DEFINE2(getit, int, fd, char __user *, text)
{
	return limit(fd);
}
static DEFINE_MUTEX(big_lock);
int last(struct foo *foo)
{
	return TWICE(foo->a);
}
`;

const found = (name: string): readonly (number | string)[] | undefined => {
  const lines = findDefinition(tokensOf(TEXT), TEXT.split("\n"), name);
  return lines && [lines.kind, lines.from, lines.to, lines.at];
};

describe("the lines that define a name", () => {
  it("are those of a function with its body, and not those of a declaration or a comment", () => {
    expect(found("limit")).toEqual(["defined", 13, 25, 14]);
    expect(found("last")).toEqual(["defined", 31, 34, 31]);
  });

  it("are those of a variable, of a type and of a static local", () => {
    expect(found("count")).toEqual(["defined", 5, 6, 5]);
    expect(found("struct foo")).toEqual(["defined", 9, 11, 9]);
    expect(found("the_foo")).toEqual(["defined", 12, 12, 12]);
    expect(found("calls")).toEqual(["defined", 16, 16, 16]);
  });

  it("are those of a macro that defines something", () => {
    expect(found("getit")).toEqual(["defined", 26, 29, 26]);
    expect(found("big_lock")).toEqual(["defined", 30, 30, 30]);
  });

  it("are else those that mention it, or none", () => {
    expect(found("other")).toEqual(["mentioned", 24, 24, 24]);
    expect(found("TWICE")).toEqual(["mentioned", 7, 7, 7]);
    expect(found("struct bar")).toBeUndefined();
    expect(found("nothing")).toBeUndefined();
  });

  it("are found in any text, in bounded time", () => {
    const text = `${"({[".repeat(20_000)} limit ${"}\n".repeat(20_000)}`;
    expect(findDefinition(tokensOf(text), text.split("\n"), "limit")?.kind).toBe("mentioned");
  });
});

describe("the numbers that the compiler says", () => {
  const change = {
    path: "a.c",
    before: "one\nfour\n",
    after: "one\ntwo\nthree\nfour\n",
    numbered: "one\ntwo\nthree\n#line 2\nfour\n",
  };
  it("are those of lines of the patched file, of which two may share one", () => {
    expect(realLines(change, 1)).toEqual([1]);
    expect(realLines(change, 2)).toEqual([2, 4]);
    expect(realLines(change, 3)).toEqual([3, 5]);
    expect(realLines(undefined, 7)).toEqual([7]);
  });
});
