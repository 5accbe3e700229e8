import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applySeries, movedHunks } from "../../../../publisher/create/source/apply_patch.ts";
import { keepLineNumbers } from "../../../../publisher/create/source/line_numbers.ts";
import { patchSteps } from "../../../../publisher/create/source/patch_file.ts";
import { RebootlessError } from "../../../../shared/errors.ts";

const patchFor = (before: string, after: string): string =>
  `--- ${before}\n+++ ${after}\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three \xe9\n`;

const filesOf = (text: string) => patchSteps(text).flatMap(({ files }) => files);

const applied = async (tree: string, text: string, fuzzy: boolean) =>
  (await applySeries(tree, [patchSteps(text)], fuzzy)).changes;

describe("the files of a patch", () => {
  it("are those that it changes, adds and removes", () => {
    const text = `${patchFor("a/fs/a.c\t2026-01-01", "b/fs/a.c")}--- /dev/null\n+++ b/n.h\n@@ -0,0 +1 @@\n+x\n--- a/o.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n`;
    expect(filesOf(text)).toEqual([
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
    ["a hunk that is shorter than it says", "--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n one\n"],
    ["a rename", `rename from a\nrename to b\n${patchFor("a/x", "b/x")}`],
    ["a binary change", "GIT binary patch\nliteral 0\n"],
    ["no patch", "Dear maintainers,\n"],
    ["a file without a hunk", "--- a/x\n+++ b/x\n"],
  ])("refuses %s", (_, text) => {
    expect(() => patchSteps(text)).toThrow(expect.objectContaining({ code: "parse" }));
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
          patchSteps(lines.join("\n"));
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
    const [change] = await applied(tree, patchFor("a/fs/a.c", "b/fs/a.c"), false);
    expect(change).toMatchObject({
      path: "fs/a.c",
      before: "one\ntwo\nthree \xe9\n",
      after: "one\nTWO\nthree \xe9\n",
    });
    expect(readFileSync(join(tree, "fs/a.c"), "latin1")).toBe("one\ntwo\nthree \xe9\n");
  });

  it("takes paths with and without a first folder", async () => {
    const [change] = await applied(tree, patchFor("fs/a.c", "fs/a.c"), false);
    expect(change?.path).toBe("fs/a.c");
  });

  it.each([
    ["one that does not fit", patchFor("a/fs/a.c", "b/fs/a.c").replace("-two", "-tow"), "usage"],
    ["one of another tree", patchFor("a/elsewhere/a.c", "b/elsewhere/a.c"), "usage"],
    ["one that follows a link", patchFor("a/fs/link.c", "b/fs/link.c"), "usage"],
  ])("refuses %s", async (_, text, code) => {
    await expect(applied(tree, text, false)).rejects.toMatchObject({ code });
  });

  it("places a hunk loosely only when asked", async () => {
    const text = "--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1,3 +1,3 @@\n ONE\n-two\n+TWO\n three \xe9\n";
    await expect(applied(tree, text, false)).rejects.toMatchObject({ code: "usage" });
    expect((await applied(tree, text, true))[0]?.after).toBe("one\nTWO\nthree \xe9\n");
  });
});

describe("a series of patches", () => {
  let tree = "";
  const lines = (...changed: readonly (readonly [number, string])[]): string =>
    Array.from({ length: 20 }, (_, i) => changed.find(([n]) => n === i + 1)?.[1] ?? `line ${i + 1}`)
      .map((line) => `${line}\n`)
      .join("");
  const mail = (subject: string, path: string, hunk: string): string =>
    `From 0123456789abcdef Mon Sep 17 00:00:00 2001\nSubject: [PATCH] ${subject}\n\nWhy.\n---\n ${path} | 2 +-\n\ndiff --git a/${path} b/${path}\nindex 1..2 100644\n--- a/${path}\n+++ b/${path}\n${hunk}-- \n2.39.2\n\n`;
  const first = mail("one", "fs/a.c", "@@ -2,3 +2,3 @@\n line 2\n-line 3\n+three\n line 4\n");
  const second = mail("two", "fs/a.c", "@@ -2,3 +2,3 @@\n line 2\n-three\n+THREE\n line 4\n");
  const added =
    "diff --git a/fs/b.h b/fs/b.h\nnew file mode 100644\n--- /dev/null\n+++ b/fs/b.h\n@@ -0,0 +1 @@\n+int b;\n";
  const changed = "--- a/fs/b.h\n+++ b/fs/b.h\n@@ -1 +1 @@\n-int b;\n+long b;\n";
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), "rebootless-series-"));
    mkdirSync(join(tree, "fs"));
    writeFileSync(join(tree, "fs/a.c"), lines());
  });
  afterAll(() => rmSync(tree, { recursive: true }));

  const series = async (...patches: readonly string[]) =>
    (await applySeries(tree, patches.map(patchSteps), false)).changes.map(({ path, before, after }) => ({
      path,
      before,
      after,
    }));

  it("is taken in order, from one file of mails", async () => {
    expect(patchSteps(first + second)).toHaveLength(2);
    expect(await series(first + second)).toEqual([
      { path: "fs/a.c", before: lines(), after: lines([3, "THREE"]) },
    ]);
    await expect(series(second + first)).rejects.toMatchObject({ code: "usage" });
  });

  it("is taken in order, from several files, and errors say which of them it is", async () => {
    expect(await series(first, second)).toEqual([
      { path: "fs/a.c", before: lines(), after: lines([3, "THREE"]) },
    ]);
    await expect(series(first, first)).rejects.toMatchObject({
      message: "patch 2 of 2 does not apply to this source",
    });
  });

  it("is told apart: what the source has already, and what is not of this source", async () => {
    const reversed = (patch: string): string =>
      patch
        .replace(/^-(?!-)/gm, "@")
        .replace(/^\+(?!\+)/gm, "-")
        .replace(/^@(?!@)/gm, "+");
    const isIn = { answer: { outcome: "already_in" } };
    await expect(series(reversed(first))).rejects.toMatchObject(isIn);
    await expect(series(reversed(second), reversed(first))).rejects.toMatchObject(isIn);
    await expect(series(second)).rejects.toMatchObject({ answer: { outcome: "does_not_apply" } });
    await expect(series(patchFor("a/fs/none.c", "b/fs/none.c"))).rejects.toMatchObject({
      answer: { outcome: "does_not_apply" },
    });
  });

  it("may change what it added, and undo what it changed", async () => {
    const expected = [{ path: "fs/b.h", before: undefined, after: "long b;\n" }];
    expect(await series(added + changed)).toEqual(expected);
    expect(await series(added, changed)).toEqual(expected);
    const undone = "--- a/fs/a.c\n+++ b/fs/a.c\n@@ -2,3 +2,3 @@\n line 2\n-three\n+line 3\n line 4\n";
    expect(await series(first, undone)).toEqual([]);
  });

  it("keeps what git says about a file with the file's own diff", () => {
    const [one, two, ...others] = patchSteps(first + added + changed);
    expect(others).toEqual([]);
    expect(one?.files.map(({ path }) => path)).toEqual(["b/fs/a.c", "b/fs/b.h"]);
    expect([one?.text.includes("new file mode"), two?.text]).toEqual([true, changed]);
  });

  it("says which hunks apply elsewhere", async () => {
    const moved = "--- a/fs/a.c\n+++ b/fs/a.c\n@@ -5,3 +5,3 @@\n line 7\n-line 8\n+eight\n line 9\n";
    const { notes } = await applySeries(tree, [patchSteps(moved)], false);
    expect(notes).toEqual(["hunk 1 of fs/a.c applies 2 lines later than it says"]);
    expect(
      movedHunks(
        "patching file fs/x.c\nHunk #2 succeeded at 9 with fuzz 1 (offset -1 line).\nHunk #3 succeeded at 20 with fuzz 2.\n",
      ),
    ).toEqual([
      "hunk 2 of fs/x.c applies 1 line earlier than it says, and though its surroundings differ",
      "hunk 3 of fs/x.c applies though its surroundings differ",
    ]);
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
