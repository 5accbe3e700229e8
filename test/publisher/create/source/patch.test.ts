import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyPatch } from "../../../../publisher/create/source/apply_patch.ts";
import { keepLineNumbers } from "../../../../publisher/create/source/line_numbers.ts";
import { patchedFiles } from "../../../../publisher/create/source/patch_file.ts";
import { RebootlessError } from "../../../../shared/errors.ts";

const patchFor = (before: string, after: string): string =>
  `--- ${before}\n+++ ${after}\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three \xe9\n`;

describe("the files of a patch", () => {
  it("are those that it changes, adds and removes", () => {
    const text = `${patchFor("a/fs/a.c\t2026-01-01", "b/fs/a.c")}--- /dev/null\n+++ b/n.h\n@@ -0,0 +1 @@\n+x\n--- a/o.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n`;
    expect(patchedFiles(text)).toEqual([
      { path: "b/fs/a.c", kind: "changed" },
      { path: "b/n.h", kind: "added" },
      { path: "a/o.h", kind: "removed" },
    ]);
  });

  it.each([
    ["a path that leaves the tree", patchFor("a/x", "b/../../etc/passwd")],
    ["one that does before", patchFor("a/../x", "b/x")],
    ["an absolute path", patchFor("/etc/passwd", "/etc/passwd")],
    ["a path with a control character", patchFor("a/x", "b/\u0007")],
    ["the same file twice", patchFor("a/x", "b/x").repeat(2)],
    ["a hunk that is shorter than it says", "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n one\n"],
    ["a rename", `rename from a\nrename to b\n${patchFor("a/x", "b/x")}`],
    ["a binary change", "GIT binary patch\nliteral 0\n"],
    ["no patch", "Dear maintainers,\n"],
    ["a file without a hunk", "--- a/x\n+++ b/x\n"],
  ])("refuses %s", (_, text) => {
    expect(() => patchedFiles(text)).toThrow(expect.objectContaining({ code: "parse" }));
  });

  it("are found or refused in whatever is given, never otherwise", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "--- a/x",
        "+++ b/x",
        "@@ -1,2 +1,2 @@",
        "@@ -0,0 +1 @@",
        " ",
        "-",
        "+",
        "\\ No newline",
        "--- /dev/null",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        try {
          patchedFiles(lines.join("\n"));
        } catch (error) {
          if (!(error instanceof RebootlessError)) throw error;
        }
      }),
    );
  });
});

describe("applying a patch", () => {
  let tree = "";
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), "rebootless-tree-"));
    mkdirSync(join(tree, "fs"));
    writeFileSync(join(tree, "fs/a.c"), "one\ntwo\nthree \xe9\n", "latin1");
    symlinkSync("/etc/passwd", join(tree, "fs/link.c"));
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  it("gives the texts before and after, and leaves the tree alone", async () => {
    const [change] = await applyPatch(tree, patchFor("a/fs/a.c", "b/fs/a.c"), false);
    expect(change).toMatchObject({
      path: "fs/a.c",
      before: "one\ntwo\nthree \xe9\n",
      after: "one\nTWO\nthree \xe9\n",
    });
    expect(readFileSync(join(tree, "fs/a.c"), "latin1")).toBe("one\ntwo\nthree \xe9\n");
  });

  it("takes paths with and without a first folder", async () => {
    const [change] = await applyPatch(tree, patchFor("fs/a.c", "fs/a.c"), false);
    expect(change?.path).toBe("fs/a.c");
  });

  it.each([
    ["one that does not fit", patchFor("a/fs/a.c", "b/fs/a.c").replace("-two", "-tow"), "usage"],
    ["one of another tree", patchFor("a/elsewhere/a.c", "b/elsewhere/a.c"), "usage"],
    ["one that follows a link", patchFor("a/fs/link.c", "b/fs/link.c"), "usage"],
  ])("refuses %s", async (_, text, code) => {
    await expect(applyPatch(tree, text, false)).rejects.toMatchObject({ code });
  });

  it("places a hunk loosely only when asked", async () => {
    const text = "--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,3 +1,3 @@\n ONE\n-two\n+TWO\n three \xe9\n";
    await expect(applyPatch(tree, text, false)).rejects.toMatchObject({ code: "usage" });
    expect((await applyPatch(tree, text, true))[0]?.after).toBe("one\nTWO\nthree \xe9\n");
  });
});

describe("line numbers", () => {
  const kept = [{ before: 2, after: 4 }];

  it("are set right at the first line that does not change", () => {
    expect(keepLineNumbers("a;\nnew;\nnew;\nb;\nc;", kept)).toBe("a;\nnew;\nnew;\n#line 2\nb;\nc;");
  });

  it.each([
    [
      "a continued line",
      "a;\nnew;\n#define X \\\n  1\nb;\nc;",
      "a;\nnew;\n#define X \\\n  1\n#line 3\nb;\nc;",
    ],
    ["a comment", "a;\nnew;\n/* new\n * more */\nb;\nc;", "a;\nnew;\n/* new\n * more */\n#line 3\nb;\nc;"],
    ["a call's arguments", "a;\nnew;\ncall(1,\n  2);\nb;\nc;", "a;\nnew;\ncall(1,\n  2);\n#line 3\nb;\nc;"],
  ])("wait for the end of %s", (_, text, expected) => {
    expect(keepLineNumbers(text, kept)).toBe(expected);
  });
});
