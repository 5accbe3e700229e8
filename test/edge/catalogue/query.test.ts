import { describe, expect, it } from "vitest";
import { MAX_QUERY, parseQuery, versionOf } from "../../../edge/catalogue/query.ts";
import { buildId } from "../../../shared/brand.ts";

const RELEASE = "6.1.0-56-cloud-amd64";
const VERSION = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-01)";
const BANNER = `Linux version ${RELEASE} (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld 2.40) ${VERSION}`;

describe("what a person pastes", () => {
  it.each([
    ["", {}],
    ["  \n ", {}],
    ["AB12CD34EF", { buildId: "ab12cd34ef" }],
    ["9c7a".repeat(10), { buildId: "9c7a".repeat(10) }],
    [`Linux web-3 ${RELEASE} ${VERSION} x86_64 GNU/Linux`, { release: RELEASE, version: VERSION }],
    [`Linux web-3  ${RELEASE} ${VERSION}\n x86_64 GNU/Linux\n`, { release: RELEASE, version: VERSION }],
    [`Linux a ${RELEASE} ${VERSION} x86_64`, { release: RELEASE, version: VERSION }],
    [`Linux ${RELEASE} ${VERSION}`, { release: RELEASE, version: VERSION }],
    [`${RELEASE} ${VERSION}`, { release: RELEASE, version: VERSION }],
    [`Linux web-3 ${RELEASE} x86_64 GNU/Linux`, { text: RELEASE }],
    [`Linux ${RELEASE}`, { text: RELEASE }],
    ["Linux 6.1", { text: "6.1" }],
    [BANNER, { release: RELEASE, version: VERSION }],
    [`[    0.000000] ${BANNER}`, { release: RELEASE, version: VERSION }],
    [RELEASE, { text: RELEASE }],
    [`vmlinuz: ELF, BuildID[sha1]=${"9C7a".repeat(10)}, stripped`, { buildId: "9c7a".repeat(10) }],
    [`  GNU  0x14\n    Build ID: ${"9c7a".repeat(10)}\n`, { buildId: "9c7a".repeat(10) }],
    ["Debian 12", { text: "Debian 12" }],
    ["Ubuntu 24.04", { text: "Ubuntu 24.04" }],
    ["6.1", { text: "6.1" }],
    [" cve-2026-12345\n", { cve: "CVE-2026-12345", text: "cve-2026-12345" }],
    ["CVE-2026-123", { text: "CVE-2026-123" }],
    ["net-tls-7", { text: "net-tls-7" }],
  ])("%j", (pasted, query) => {
    const { words, ...kernel } = parseQuery(pasted);
    expect(kernel).toEqual(query);
    expect(words.length).toBeLessThanOrEqual(8);
  });

  it("is cut where no name is so long", () => {
    const cut = "a".repeat(MAX_QUERY);
    expect(parseQuery("a".repeat(100_000))).toEqual({ text: cut, words: [cut] });
    const started = performance.now();
    parseQuery(`Linux ${"x ".repeat(MAX_QUERY)}#`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

it("uname -v is the end of the banner", () => {
  const kernel = { buildId: buildId("ab".repeat(20)), release: RELEASE, architecture: "x86_64" };
  expect(versionOf({ ...kernel, banner: BANNER })).toBe(VERSION);
  expect(versionOf(kernel)).toBe("");
});
