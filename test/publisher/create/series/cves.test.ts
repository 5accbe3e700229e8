import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cvesSince, newestVersion } from "../../../../publisher/create/series/changelog.ts";
import { cveRecord, withCves } from "../../../../publisher/create/series/cve_records.ts";
import { fixOf } from "../../../../publisher/create/series/fix.ts";
import { liveCves, seriesReport } from "../../../../publisher/create/series/outcomes.ts";
import { readCveRecords } from "../../../../publisher/create/series/read_cves.ts";

const [INTRODUCED, STABLE, MAINLINE] = ["1", "2", "3"].map((digit) => digit.repeat(40));

/** A record as the kernel's CNA publishes it. */
const recordText = (cve = "CVE-2026-1234", more: object = {}): string =>
  JSON.stringify({
    dataType: "CVE_RECORD",
    cveMetadata: { cveId: cve, state: "PUBLISHED", ...more },
    containers: {
      cna: {
        affected: [
          {
            product: "Linux",
            programFiles: ["fs/ext4/mballoc.c"],
            versions: [
              { version: INTRODUCED, lessThan: STABLE, status: "affected", versionType: "git" },
              { version: INTRODUCED, lessThan: MAINLINE, status: "affected", versionType: "git" },
            ],
          },
          {
            product: "Linux",
            programFiles: ["fs/ext4/mballoc.c"],
            versions: [
              { version: "5.15", status: "affected" },
              { version: "0", lessThan: "5.15", status: "unaffected", versionType: "semver" },
              { version: "6.1.191", lessThanOrEqual: "6.1.*", status: "unaffected", versionType: "semver" },
              {
                version: "7.1",
                lessThanOrEqual: "*",
                status: "unaffected",
                versionType: "original_commit_for_fix",
              },
            ],
          },
        ],
        references: [{ url: `https://git.kernel.org/stable/c/${STABLE}` }, { url: "https://example.org/" }],
        metrics: [{ cvssV3_1: { baseScore: 7.8 } }],
      },
    },
  });

describe("a CVE record", () => {
  it("tells the commits, releases and files of the fix", () => {
    expect(cveRecord(recordText())).toEqual({
      cve: "CVE-2026-1234",
      commits: [STABLE, MAINLINE],
      releases: ["6.1.191"],
      files: ["fs/ext4/mballoc.c"],
    });
  });

  it("is not what has another form, or was rejected", () => {
    const foreign = [
      "",
      "[]",
      "null",
      "1",
      "{",
      '{"cveMetadata":7}',
      recordText("CVE-1"),
      "[".repeat(100_000),
    ];
    for (const text of [...foreign, recordText("CVE-2026-1234", { state: "REJECTED" })])
      expect(cveRecord(text), text.slice(0, 40)).toBeUndefined();
    const odd =
      '{"cveMetadata":{"cveId":"CVE-2026-1234"},"containers":{"cna":{"affected":[7,{"versions":{}}]}}}';
    expect(cveRecord(odd)).toEqual({ cve: "CVE-2026-1234", commits: [], releases: [], files: [] });
  });

  it("is found in folders of folders", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rebootless-cves-"));
    try {
      await expect(readCveRecords(folder)).rejects.toMatchObject({ code: "usage" });
      mkdirSync(join(folder, "published/2026"), { recursive: true });
      writeFileSync(join(folder, "published/2026/CVE-2026-1234.json"), recordText());
      writeFileSync(join(folder, "published/2026/CVE-2026-1.json"), "{");
      writeFileSync(join(folder, "published/2026/CVE-2026-1234.mbox"), recordText("CVE-2026-9999"));
      expect((await readCveRecords(folder)).map(({ cve }) => cve)).toEqual(["CVE-2026-1234"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the CVEs of fixes", () => {
  const record = cveRecord(recordText());
  const records = record === undefined ? [] : [record];
  const diff = "--- a/fs/ext4/mballoc.c\n+++ b/fs/ext4/mballoc.c\n@@ -1 +1 @@\n-a\n+b\n";
  const cvesOf = (text: string, step?: { from: string; to: string }): readonly string[] =>
    withCves([fixOf({ name: "fix", text })], records, step)[0]?.cves ?? [];

  it("are those whose records name the commit, or the one upstream, and not the one that is at fault", () => {
    expect(cvesOf(`From ${STABLE} Mon Sep 17 00:00:00 2001\nSubject: x\n`)).toEqual(["CVE-2026-1234"]);
    expect(cvesOf(`commit ${MAINLINE} upstream.\nalso CVE-2026-5555\n${diff}`)).toEqual([
      "CVE-2026-5555",
      "CVE-2026-1234",
    ]);
    expect(cvesOf(`From ${INTRODUCED} Mon Sep 17 00:00:00 2001\nSubject: x\n\n${diff}`)).toEqual([]);
  });

  it("of a part are those that a release of the step fixes in its files", () => {
    expect(cvesOf(diff, { from: "6.1.190", to: "6.1.192" })).toEqual(["CVE-2026-1234"]);
    for (const [from, to] of [
      ["6.1.191", "6.1.192"],
      ["6.1.189", "6.1.190"],
      ["6.12.1", "6.12.999"],
    ])
      expect(cvesOf(diff, { from: from ?? "", to: to ?? "" }), to).toEqual([]);
    expect(cvesOf(diff.replaceAll("mballoc", "super"), { from: "6.1.190", to: "6.1.192" })).toEqual([]);
  });
});

describe("the changelog of a source package", () => {
  const changelog = [
    "linux (6.1.192-3) bookworm-security; urgency=high\n\n  * nfsd: mend (CVE-2026-0003)\n\n -- A <a@b>  Thu, 26 Nov 2026 18:12:56 +0100\n",
    "linux (6.1.192-2) bookworm-security; urgency=high\n\n    - ext4: mend\n      (CVE-2026-0002)\n    - also (CVE-2026-0003)\n",
    "linux (6.1.190-1) bookworm; urgency=medium\n\n    - old (CVE-2026-0001)\n",
  ].join("\n");

  it("names the CVEs since another version", () => {
    expect(newestVersion(changelog)).toBe("6.1.192-3");
    expect(cvesSince(changelog, "6.1.190-1")).toEqual(["CVE-2026-0003", "CVE-2026-0002"]);
    expect(cvesSince(changelog, "6.1.192-2")).toEqual(["CVE-2026-0003"]);
    expect(cvesSince(changelog, "6.1.192-3")).toEqual([]);
    expect(cvesSince(changelog, "6.1.176-1")).toBeUndefined();
    expect(newestVersion("words")).toBeUndefined();
  });

  it("counts for an update only if nothing was left out", () => {
    const fix = { id: "a", subject: "a", cves: [], commits: [], files: ["a.c"] };
    const live = { ...fix, outcome: "live", atStart: false } as const;
    const read = { name: "step", named: ["CVE-2026-0002"] };
    expect(liveCves(seriesReport(read, [live], 1))).toEqual(["CVE-2026-0002"]);
    expect(liveCves(seriesReport(read, [live, { ...fix, outcome: "at_start" }], 1))).toEqual([]);
    expect(liveCves(seriesReport(read, [{ ...live, atStart: true }], 1))).toEqual([]);
  });
});
