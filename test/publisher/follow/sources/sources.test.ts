import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NO_FOLLOW_STATE } from "../../../../publisher/follow/follow_state.ts";
import { withFound } from "../../../../publisher/follow/found_fixes.ts";
import { takenIn } from "../../../../publisher/follow/plan.ts";
import { droppedPatches } from "../../../../publisher/follow/sources/dropped_patches.ts";
import { newCommits, withNote } from "../../../../publisher/follow/sources/new_commits.ts";
import { sourceSteps } from "../../../../publisher/follow/sources/source_steps.ts";
import type { PackageFile } from "../../../../publisher/kernels/served_kernel.ts";
import { sha256Hex } from "../../../../shared/brand.ts";
import { instant } from "../../../../shared/time.ts";
import { kernelNamed, patchNamed } from "../fake_world.ts";

const diff = (to: string): string =>
  `Subject: make it ${to}\n\nFixes CVE-2026-12345.\n\n--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1 +1 @@\n-int a;\n+int ${to};\n`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rebootless-sources-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const place = (name: string): string => join(folder, name);

describe("a folder in which patches are dropped", () => {
  it("has a fix for each patch and a series for each folder and file of mails", async () => {
    writeFileSync(place("one.patch"), diff("one"));
    writeFileSync(place("two.diff"), diff("two"));
    writeFileSync(place("README"), "nothing");
    mkdirSync(place("many"));
    writeFileSync(place("many/series"), "a.patch\n");
    writeFileSync(place("many/a.patch"), diff("three"));
    writeFileSync(place("mails.mbox"), `From x\n${diff("four")}`);
    const found = await droppedPatches(folder);
    expect(found.map(({ name, kind, subject, files }) => [name, kind, subject, files.length])).toEqual([
      ["mails", "series", "the fixes of mails that can be live", 1],
      ["many", "series", "the fixes of many that can be live", 2],
      ["one", "patch", "make it one", 1],
      ["two", "patch", "make it two", 1],
    ]);
    expect(found[2]?.cves).toEqual(["CVE-2026-12345"]);
  });

  it("passes over a file until it has its name", async () => {
    writeFileSync(place(".one.patch"), diff("one"));
    expect(await droppedPatches(folder)).toEqual([]);
    renameSync(place(".one.patch"), place("one.patch"));
    expect((await droppedPatches(folder)).map(({ name }) => name)).toEqual(["one"]);
  });

  it("is an error if it is not there", async () => {
    await expect(droppedPatches(place("nowhere"))).rejects.toThrow("cannot read");
  });
});

describe("a branch of a local clone", () => {
  const git = (...args: readonly string[]): string =>
    execFileSync(
      "git",
      [
        "-C",
        folder,
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "-c",
        "commit.gpgsign=false",
        ...args,
      ],
      { encoding: "utf8" },
    ).trim();
  function commit(content: string, subject: string): string {
    writeFileSync(place("a.c"), content);
    git("add", "a.c");
    git("commit", "-qm", `${subject}\n\nCVE-2026-54321`);
    return git("rev-parse", "HEAD");
  }
  const branch = () => ({ repository: folder, branch: "main" });
  beforeEach(() => void git("init", "-qb", "main"));

  it("has nothing new when it is first read, and then what was added", async () => {
    const first = commit("one\n", "begin");
    const begun = await newCommits(branch(), [], undefined);
    expect(begun).toEqual({ fixes: [], note: { ...branch(), commit: first } });
    const second = commit("two\n", "mend a");
    const third = commit("three\n", "mend b");
    const more = await newCommits(branch(), [begun.note], undefined);
    expect(more.note.commit).toBe(third);
    expect(more.fixes.map(({ origin, name, subject, cves }) => [origin, name, subject, cves])).toEqual([
      [`commit:${second}`, `commit-${second.slice(0, 12)}`, "mend a", ["CVE-2026-54321"]],
      [`commit:${third}`, `commit-${third.slice(0, 12)}`, "mend b", ["CVE-2026-54321"]],
    ]);
    expect(Buffer.from(more.fixes[0]?.files[0]?.bytes ?? []).toString()).toMatch(
      /^Commit: [0-9a-f]{12}\nSubject: mend a\n\ndiff --git a\/a\.c b\/a\.c\n/,
    );
    expect((await newCommits(branch(), [more.note], undefined)).fixes).toEqual([]);
    expect(withNote([begun.note], more.note)).toEqual([more.note]);
  });

  it("begins where it is told to, in the first run alone", async () => {
    const first = commit("one\n", "begin");
    commit("two\n", "mend a");
    const read = await newCommits(branch(), [], first);
    expect(read.fixes).toHaveLength(1);
    expect((await newCommits(branch(), [read.note], first)).fixes).toEqual([]);
  });

  it("is an error if there is none, or its name is an option", async () => {
    commit("one\n", "begin");
    await expect(newCommits({ ...branch(), branch: "other" }, [], undefined)).rejects.toThrow("git");
    await expect(newCommits({ ...branch(), branch: "--all" }, [], undefined)).rejects.toThrow(
      "not a revision",
    );
  });
});

describe("the archives", () => {
  const source = (version: string, digit: string, name = "linux-source-6.1"): PackageFile => ({
    package: name,
    version,
    file: `${name}_${version}.deb`,
    bytes: 1,
    sha256: sha256Hex(digit.repeat(64)),
  });
  const old = kernelNamed("1", { source: source("6.1.99-1", "a") });
  const same = kernelNamed("2", { source: source("6.1.99-1", "a") });
  const newer = kernelNamed("3", { source: source("6.1.100-1", "b") });
  const other = kernelNamed("4", { source: source("6.12.3-1", "c", "linux-source-6.12") });
  const foreign = kernelNamed("5", { distribution: "Ubuntu 24.04", source: source("6.1.200-1", "d") });

  it("offer a step from each older source to the newest of its series and distribution", () => {
    expect(sourceSteps([old, same, newer, other, foreign]).map(({ name, step }) => [name, step])).toEqual([
      ["from-6.1.99-1-to-6.1.100-1", { from: "a".repeat(64), to: "b".repeat(64) }],
    ]);
    expect(sourceSteps([old, same, other, kernelNamed("6", { source: undefined })])).toEqual([]);
  });

  it("have a step for the kernels of the older source alone, which a newer step replaces", () => {
    const found = sourceSteps([old, same, newer]);
    const first = takenIn(NO_FOLLOW_STATE, { fixes: found, clones: [] }, [old, same, newer], instant(0));
    expect(first.items.map(({ kernel }) => kernel[0])).toEqual(["1", "2"]);
    const newest = kernelNamed("6", { source: source("6.1.101-1", "e") });
    const kernels = [old, same, newer, newest];
    const next = takenIn(first, { fixes: sourceSteps(kernels), clones: [] }, kernels, instant(0));
    expect(next.items.map(({ fix, kernel, state }) => `${fix} ${kernel[0]} ${state.kind}`)).toEqual([
      "from-6.1.99-1-to-6.1.100-1 1 superseded",
      "from-6.1.99-1-to-6.1.100-1 2 superseded",
      "from-6.1.99-1-to-6.1.101-1 1 seen",
      "from-6.1.99-1-to-6.1.101-1 2 seen",
      "from-6.1.100-1-to-6.1.101-1 3 seen",
    ]);
    expect(next.fixes.map(({ supersedes }) => supersedes)).toEqual([[], ["from-6.1.99-1-to-6.1.100-1"], []]);
  });
});

describe("what was found", () => {
  it("has an ID of its own, whatever it is called", () => {
    const named = (name: string, origin: string) => ({ ...patchNamed(name), name, origin });
    const names = ["Fix It", "fix it", "../..", "ä", "x".repeat(200)];
    const { fixes } = withFound(
      NO_FOLLOW_STATE,
      names.map((name, at) => named(name, `patches:/${at}`)),
      instant(0),
    );
    expect(fixes.map(({ id }) => id)).toEqual(["fix-it", "fix-it-2", "fix", "fix-2", "x".repeat(56)]);
  });
});
