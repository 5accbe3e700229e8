import { describe, expect, it } from "vitest";
import {
  type ChangedFile,
  connectedParts,
  type Includes,
} from "../../../../publisher/create/series/parts.ts";

/** A file in which lines are removed and others are added. */
function changed(path: string, removed: readonly string[], added: readonly string[], rest = ""): ChangedFile {
  const [before, after] = [removed, added].map((lines) => lines.map((line) => `${line}\n`).join("") + rest);
  const hunk = [
    `@@ -1,${removed.length} +1,${added.length} @@`,
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
  ];
  return {
    path,
    before: before ?? "",
    after: after ?? "",
    patch: `--- a/${path}\n+++ b/${path}\n${hunk.join("\n")}\n`,
  };
}

const includedEverywhere: Includes = () => true;

const partsOf = (files: readonly ChangedFile[], includes = includedEverywhere) =>
  connectedParts(files, includes).map(({ steps }) =>
    steps.flatMap(({ files: some }) => some.map(({ path }) => path.slice(2))).sort(),
  );

describe("the parts of a difference", () => {
  it("are files of their own where nothing is shared", () => {
    const files = [
      changed("fs/a.c", ["\treturn 1;"], ["\treturn 2;"]),
      changed("fs/b.c", ["\treturn 1;"], ["\treturn 3;"]),
    ];
    expect(partsOf(files)).toEqual([["fs/a.c"], ["fs/b.c"]]);
  });

  it("join a function that is new, gone or declared in another way with the files that use it", () => {
    const files = [
      changed("fs/a.c", [], ["int helper(int n)", "{ return n; }"]),
      changed("fs/b.c", ["\treturn 1;"], ["\treturn helper(1);"]),
      changed("net/c.c", ["void old(void)"], ["void old(int flags)"]),
      changed("net/d.c", ["\told();"], ["\told(0);"]),
    ];
    expect(partsOf(files)).toEqual([
      ["fs/a.c", "fs/b.c"],
      ["net/c.c", "net/d.c"],
    ]);
  });

  it("are not joined by words of the language, which a pointer to a function puts where names stand", () => {
    const files = [
      changed("fs/a.c", ["int (*compare)(int n);"], ["int (*compare)(long n);", "void (*end)(void);"]),
      changed("fs/b.c", ["\treturn 1;"], ["\tint n = 1;", "\t(void)n;"]),
      changed("include/c.h", [], ["\tNULL,", "\tbool is_open;"]),
      changed("net/d.c", [], ["\tbool is_ok = p != NULL;"]),
    ];
    expect(partsOf(files).map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  });

  it("do not join headers that have a member of the same name, nor the users of a function's variable", () => {
    const files = [
      changed("include/a.h", [], ["\tint flags;"]),
      changed("include/b.h", [], ["\tint flags;"]),
      changed("include/c.h", [], ["\tsize_t count = 0;"]),
      changed("net/d.c", [], ["\tp->count = 1;"]),
    ];
    expect(partsOf(files, (file) => file.endsWith(".c")).map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  });

  it("do not join what only a file itself can use", () => {
    const files = [
      changed("fs/a.c", [], ["static int helper(int n)", "#define LIMIT 3"]),
      changed("fs/b.c", [], ["\treturn helper(LIMIT);"]),
    ];
    expect(partsOf(files)).toEqual([["fs/a.c"], ["fs/b.c"]]);
  });

  it("join a header with the files that include it and use what is new in it", () => {
    const files = [
      changed("include/a.h", [], ["struct a {", "\tint extra;", "};", "#define A_MAX 3"]),
      changed("fs/member.c", [], ["\treturn p->extra;"]),
      changed("fs/macro.c", [], ["\treturn A_MAX;"]),
      changed("fs/apart.c", [], ["\tint extra = 1;"]),
      changed("fs/stranger.c", [], ["\treturn A_MAX;"]),
    ];
    const includes = (file: string): boolean => file !== "fs/stranger.c";
    expect(partsOf(files, includes)).toEqual([
      ["fs/macro.c", "fs/member.c", "include/a.h"],
      ["fs/apart.c"],
      ["fs/stranger.c"],
    ]);
  });

  it("do not join a member of a name that the header has before and after", () => {
    const files = [
      changed("include/a.h", ["\tint flags;"], ["\tlong flags;"], "struct other { int flags; };\n"),
      changed("fs/b.c", [], ["\treturn p->flags;"]),
    ];
    expect(partsOf(files)).toEqual([["include/a.h"], ["fs/b.c"]]);
  });

  it("are named by a file of code", () => {
    const [part] = connectedParts(
      [changed("include/a.h", [], ["int twice(int n);"]), changed("lib/a.c", [], ["int twice(int n)"])],
      includedEverywhere,
    );
    expect([part?.id, part?.subject]).toEqual(["lib/a.c", "lib/a.c and 1 file that belong to it"]);
  });
});
