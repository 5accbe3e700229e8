import { describe, expect, it } from "vitest";
import { subjectsSince } from "./subjects.ts";
import { type TouchedFile, tiedFiles } from "./tie.ts";
import { touchedBy } from "./touched.ts";

const CHANGELOG = `linux (1.0.2-1) bookworm; urgency=high

  * New upstream stable update:
    - pond: fix a leak in pond_open() (CVE-2026-10001)
    - pond: count frogs before
      reading them (CVE-2026-10002,
      CVE-2026-10003)
    - net: heron: do not wait for ever
  * [amd64] Enable POND

 -- Somebody <somebody@example.org>  Mon, 16 Nov 2026 11:17:40 +0100

linux (1.0.1-1) bookworm; urgency=high

  * heron: fix an old one (CVE-2025-10000)

 -- Somebody <somebody@example.org>  Mon, 09 Nov 2026 11:17:40 +0100
`;

const file = (path: string, functions: readonly string[], names: readonly string[] = []): TouchedFile => ({
  path,
  touched: { functions: new Set(functions), names: new Set(names), lines: 4 },
});
const line = (subject: string, ...cves: readonly string[]) => ({ subject, cves });
const tie = (subjects: Parameters<typeof tiedFiles>[0], ...files: readonly TouchedFile[]) =>
  tiedFiles(subjects, files).tied.map(({ path, cve }) => [path, cve]);

describe("the subjects of a changelog", () => {
  it("are those since a version, unwrapped, without their CVEs", () => {
    expect(subjectsSince(CHANGELOG, "1.0.1-1")).toEqual([
      { subject: "New upstream stable update:", cves: [] },
      { subject: "pond: fix a leak in pond_open()", cves: ["CVE-2026-10001"] },
      { subject: "pond: count frogs before reading them", cves: ["CVE-2026-10002", "CVE-2026-10003"] },
      { subject: "net: heron: do not wait for ever", cves: [] },
      { subject: "[amd64] Enable POND", cves: [] },
    ]);
    expect(() => subjectsSince(CHANGELOG, "1.0.0-1")).toThrow("no entry of 1.0.0-1");
  });
});

describe("what a difference touches", () => {
  it("is the functions with changed lines, and the names in these lines", () => {
    const before =
      "int pond;\n\nstatic int pond_open(int a,\n\t\t     int b)\n{\n\treturn 0;\nout:\n\treturn 1;\n}\n";
    const after = before.replace("return 1", "return frog_count").replace("int pond;", "int pond_size;");
    const patch = `--- a/pond.c
+++ b/pond.c
@@ -1,8 +1,8 @@
-int pond;
+int pond_size;
 
 static int pond_open(int a,
 \t\t     int b)
 {
 \treturn 0;
 out:
-\treturn 1;
+\treturn frog_count;
`;
    const { functions, names, lines } = touchedBy(before, after, patch);
    expect([...functions]).toEqual(["pond_open"]);
    expect([...names]).toEqual(["pond_size", "frog_count"]);
    expect(lines).toBe(4);
  });
});

describe("a file is tied to a CVE", () => {
  it("whose subject names a function that only this file changes", () => {
    const subjects = [line("pond: fix a leak in pond_open()", "CVE-2026-1"), line("net: heron: do not wait")];
    expect(tie(subjects, file("fs/pond/dir.c", ["pond_open"]), file("net/heron.c", ["fly"]))).toEqual([
      ["fs/pond/dir.c", "CVE-2026-1"],
    ]);
  });

  it("whose subject names what its changed lines have, unless a function has the name", () => {
    const files = [
      file("fs/pond/dir.c", ["f"], ["frog_timer"]),
      file("fs/pond/file.c", ["g"], ["pond_open"]),
    ];
    expect(tie([line("pond: fix UAF of frog_timer", "CVE-2026-1")], ...files)).toEqual([
      ["fs/pond/dir.c", "CVE-2026-1"],
    ]);
    expect(tie([line("fix f()", "CVE-2026-1")], ...files)).toEqual([["fs/pond/dir.c", "CVE-2026-1"]]);
  });

  it("whose subsystem has changed in no other file", () => {
    const files = [file("drivers/hid/hid-heron.c", ["a"]), file("drivers/hid/hid-frog.c", ["b"])];
    expect(tie([line("HID: heron: fix UAF at unbind", "CVE-2026-1")], ...files)).toEqual([
      ["drivers/hid/hid-heron.c", "CVE-2026-1"],
    ]);
    expect(tie([line("HID: fix UAF at unbind", "CVE-2026-1")], ...files)).toEqual([]);
  });

  it("of one CVE, which no other subject ties to anything", () => {
    const dir = file("fs/pond/dir.c", ["pond_open", "pond_close"]);
    const fix = line("pond: fix a leak in pond_open()", "CVE-2026-1");
    expect(tie([fix, line("pond: fix pond_close()", "CVE-2026-2")], dir)).toEqual([]);
    expect(tie([fix, line("pond: be kind in pond_close()")], dir)).toEqual([]);
    expect(tie([fix, line("pond: be kind")], dir)).toEqual([]);
    expect(tie([fix, line("pond: be kind")], dir, file("fs/pond/a.c", []))).toHaveLength(1);
    expect(tie([line("fix pond_open()", "CVE-2026-1", "CVE-2026-2")], dir)).toEqual([]);
    expect(tie([line("fix pond_open()")], dir)).toEqual([]);
  });

  it("but not if two files have the function", () => {
    const files = [file("fs/pond/dir.c", ["release"]), file("fs/heron/dir.c", ["release"])];
    expect(tie([line("pond: fix release()", "CVE-2026-1")], ...files)).toEqual([]);
  });
});
