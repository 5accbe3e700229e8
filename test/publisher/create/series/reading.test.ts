import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixOf } from "../../../../publisher/create/series/fix.ts";
import { gitRange } from "../../../../publisher/create/series/git_range.ts";
import { mailsIn } from "../../../../publisher/create/series/mails.ts";
import { quiltNames } from "../../../../publisher/create/series/quilt.ts";
import { readSeries } from "../../../../publisher/create/series/read_series.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";
const UPSTREAM = "fedcba9876543210fedcba9876543210fedcba98";

const diffOf = (path: string, from: string, to: string): string =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n-${from}\n+${to}\n`;

const mail = (hash: string, subject: string, body: string, diff: string): string =>
  `From ${hash} Mon Sep 17 00:00:00 2001\nFrom: A B <a@example.org>\nSubject: ${subject}\n\n${body}\n---\n${diff}-- \n2.39.5\n\n`;

describe("a fix", () => {
  it("is named by its commit, with what its message says", () => {
    const text = mail(
      HASH,
      "[PATCH 6.1 3/9] ext4: mend\n it at once",
      `commit ${UPSTREAM} upstream.\n\nThis is CVE-2026-12345, not CVE-2026-1.\n\nThis reverts commit ${"a".repeat(40)}.`,
      diffOf("fs/ext4/a.c", "CVE-2026-77777", "2"),
    );
    expect(fixOf({ name: "0003", text })).toMatchObject({
      id: HASH.slice(0, 12),
      subject: "ext4: mend it at once",
      cves: ["CVE-2026-12345"],
      commits: [HASH, UPSTREAM],
      steps: [{ files: [{ path: "b/fs/ext4/a.c", kind: "changed" }] }],
    });
  });

  it("has a subject that a terminal can show", () => {
    const subject = "=?UTF-8?q?caf=C3=A9=1B[31m?= =?utf-8?b?IMO8?=";
    expect(fixOf({ name: "x", text: mail(HASH, subject, "", "") }).subject).toBe("café [31m ü");
    expect(fixOf({ name: "x", text: `Subject: ${"y".repeat(500)}\n` }).subject).toHaveLength(200);
  });

  it("is named by its file without a commit, and may change nothing", () => {
    expect(fixOf({ name: "cover", text: "Subject: about the series\n\nwords\n" })).toMatchObject({
      id: "cover",
      subject: "about the series",
      steps: [],
    });
    expect(fixOf({ name: "plain", text: diffOf("a.c", "1", "2") }).subject).toBe("plain");
  });

  it("may be unreadable, which the series survives", () => {
    const rename = "diff --git a/a.c b/b.c\nrename from a.c\nrename to b.c\n";
    expect(fixOf({ name: "r", text: rename })).toMatchObject({
      steps: [],
      unreadable: expect.stringContaining("moves a file"),
    });
    const outside = diffOf("../../etc/passwd", "1", "2");
    expect(fixOf({ name: "o", text: outside }).unreadable).toContain("not a path in a source tree");
  });
});

describe("a file of mails", () => {
  it("is split where mails begin, and nowhere else", () => {
    const body = "From here on, at 10:00:00 in 2001\n\nFrom whom it comes does not matter";
    const text = mail(HASH, "one", body, "") + mail(UPSTREAM, "two", "", "");
    expect(mailsIn("all", text).map(({ name, text: { length } }) => [name, length > 60])).toEqual([
      ["all:1", true],
      ["all:2", true],
    ]);
    expect(mailsIn("plain", "no mail\n")).toEqual([{ name: "plain", text: "no mail\n" }]);
  });
});

describe("a series of quilt", () => {
  it("names patches in their order", () => {
    expect(quiltNames("# head\nb.patch -p1\n\nbugfix/a.patch # why\nc.patch -p0\n")).toEqual([
      "b.patch",
      "bugfix/a.patch",
      "c.patch",
    ]);
  });

  it("names nothing outside, and reverses nothing", () => {
    for (const line of ["../a.patch", "/etc/passwd", "a/../../b", "a b\\\nc", "x -R", "x -p7", "$(id)"])
      expect(() => quiltNames(line), line).toThrow();
  });
});

describe("a series", () => {
  let folder = "";
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-series-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const read = (...words: string[]) => readSeries(words, join(folder, "cache"), () => undefined);
  const idsOf = async (...words: string[]) => (await read(...words)).fixes.map(({ id }) => id);

  it("is a folder of patches, by name or as quilt says", async () => {
    for (const name of ["2.patch", "1.diff"]) write(`p/${name}`, diffOf("a.c", "1", "2"));
    write("p/README", "no patch");
    expect(await idsOf(join(folder, "p"))).toEqual(["1", "2"]);
    write("p/series", "2.patch\n1.diff\n");
    expect(await idsOf(join(folder, "p"))).toEqual(["2", "1"]);
  });

  it("is a file of mails, in which no two fixes have one id", async () => {
    const one = mail(HASH, "one", "", diffOf("a.c", "1", "2"));
    write("all.mbox", one + one);
    expect(await idsOf(join(folder, "all.mbox"))).toEqual([HASH.slice(0, 12), `${HASH.slice(0, 12)}#2`]);
  });

  it("must have patches", async () => {
    write("empty.mbox", "nothing\n");
    await expect(read(join(folder, "empty.mbox"))).rejects.toMatchObject({ code: "usage" });
    await expect(read(join(folder, "nowhere"))).rejects.toMatchObject({ code: "usage" });
    await expect(read("a", "b..c", "d")).rejects.toMatchObject({ code: "usage" });
  });

  it("is a range of a clone, of whose configuration nothing runs", async () => {
    const git = (...args: string[]): string =>
      execFileSync(
        "git",
        ["-C", join(folder, "clone"), "-c", "user.name=A", "-c", "user.email=a@b", ...args],
        {
          encoding: "utf8",
        },
      ).trim();
    mkdirSync(join(folder, "clone"));
    git("init", "-q", "-b", "main");
    const commit = (text: string, message: string): string => {
      write("clone/a.c", text);
      git("add", ".");
      git("commit", "-qm", message);
      return git("rev-parse", "HEAD");
    };
    write("clone/.gitattributes", "*.c diff=evil filter=evil\n");
    commit("int a;\n", "first");
    git("tag", "v1");
    const two = commit("int a; /* \xfc */\n", "ext4: two\n\nFixes CVE-2026-0002");
    const three = commit("long a;\n", "three");
    const ran = join(folder, "ran");
    for (const key of [
      "diff.evil.command",
      "diff.evil.textconv",
      "diff.external",
      "core.fsmonitor",
      "core.pager",
    ])
      git("config", key, `touch ${ran}`);
    git("config", "log.showSignature", "true");
    git("config", "gpg.program", `touch ${ran}`);
    const { name, fixes } = await read(join(folder, "clone"), "v1..main");
    expect([name, fixes.map(({ id, subject, cves }) => [id, subject, cves])]).toEqual([
      "v1..main",
      [
        [two.slice(0, 12), "ext4: two", ["CVE-2026-0002"]],
        [three.slice(0, 12), "three", []],
      ],
    ]);
    // Bytes are preserved: the file is UTF-8, and the text is Latin-1.
    expect(fixes[0]?.steps[0]?.text).toContain("+int a; /* \xc3\xbc */\n");
    expect(() => execFileSync("ls", [ran], { stdio: "pipe" })).toThrow();
    await expect(read(join(folder, "clone"), "main..main")).rejects.toMatchObject({ code: "usage" });
    await expect(read(join(folder, "clone"), "v9..main")).rejects.toMatchObject({ code: "io" });
  });

  it("takes only revisions that are no option", () => {
    expect(gitRange("linux", "v6.1.1..origin/linux-6.1.y~2")).toMatchObject({ from: "v6.1.1" });
    for (const range of ["--output=x..y", "a...b", "a", "..b", "a..", "a..b c", "a..-b", "a..$(id)"])
      expect(() => gitRange("linux", range), range).toThrow();
  });

  it("is the step between two trees, in connected parts", async () => {
    const tree = (name: string, files: Readonly<Record<string, string>>): void => {
      write(`${name}/Makefile`, "VERSION = 6\nPATCHLEVEL = 1\n");
      for (const [path, text] of Object.entries(files)) write(`${name}/${path}`, text);
    };
    tree("a..1", {
      "kernel/a.c": "int a(void);\n",
      "kernel/b.c": "int b;\n",
      "mm/gone.c": "x\n",
      "mm/same.c": "s\n",
    });
    tree("b", {
      "kernel/a.c": "int a(int);\n",
      "kernel/b.c": "int b = a(1);\n",
      "mm/new.c": "y\n",
      "mm/same.c": "s\n",
    });
    const { name, fixes } = await read(`${join(folder, "a..1")}..${join(folder, "b")}`);
    expect([name, fixes.map(({ id, steps }) => [id, steps.flatMap(({ files }) => files)])]).toEqual([
      "a..1..b",
      [
        [
          "kernel/a.c",
          [
            { path: "b/kernel/a.c", kind: "changed" },
            { path: "b/kernel/b.c", kind: "changed" },
          ],
        ],
        ["mm/gone.c", [{ path: "a/mm/gone.c", kind: "removed" }]],
        ["mm/new.c", [{ path: "b/mm/new.c", kind: "added" }]],
      ],
    ]);
  });
});
