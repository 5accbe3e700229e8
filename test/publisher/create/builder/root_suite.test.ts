import { describe, expect, it } from "vitest";
import { archiveTargets, baseSuite, parseTargets } from "../../../../publisher/apt/targets.ts";
import { parseOffers, suiteOf, suitesWith } from "../../../../publisher/create/builder/root_suite.ts";

const line = (release: string, codename: string, label = "Debian"): string =>
  [
    "/etc/apt/sources.list.d/debian.sources:1",
    "http://archive/debian/",
    release,
    codename,
    "main",
    "Debian",
    label,
  ].join("\t");

const TARGETS = parseTargets(
  [
    line("bookworm", "bookworm"),
    line("stable", "trixie"),
    line("trixie-backports", "trixie-backports", "Debian Backports"),
    [
      "/etc/apt/sources.list:3",
      "https://deb.other/x",
      "any",
      "$(CODENAME)",
      "main",
      "Other",
      "$(LABEL)",
    ].join("\t"),
    "",
  ].join("\n"),
);

const OFFERS = parseOffers(`    gcc-14 |   14.4.0-3 | http://archive/debian bookworm/main amd64 Packages
    gcc-14 |  14.2.0-19 | http://archive/debian stable/main amd64 Packages
    gcc-14 |  14.2.0-19 | http://archive/debian stable/main Sources
    gcc-14 |  14.2.0-19 | http://elsewhere/debian stable/main amd64 Packages
`);

const GCC = { distribution: "Debian", name: "gcc-14", version: "14.2.0-19" };

describe("the suite of a compiler", () => {
  it("is read from what apt prints", () => {
    expect(TARGETS).toHaveLength(4);
    expect(TARGETS[1]).toEqual({
      entry: "/etc/apt/sources.list.d/debian.sources",
      uri: "http://archive/debian",
      release: "stable",
      codename: "trixie",
      component: "main",
      origin: "Debian",
      label: "Debian",
    });
    expect(TARGETS[3]).toMatchObject({ codename: "any" });
    expect(OFFERS).toHaveLength(3);
  });

  it("is the one with exactly the kernel's version", () => {
    const suites = suitesWith(TARGETS, OFFERS);
    expect(suites.map(({ codename, version }) => [codename, version])).toEqual([
      ["bookworm", "14.4.0-3"],
      ["trixie", "14.2.0-19"],
    ]);
    expect(suiteOf(suites, GCC, undefined)?.codename).toBe("trixie");
    expect(suiteOf(suites, { ...GCC, version: "14.2.0-1" }, undefined)).toBeUndefined();
  });

  it("may be named by its own name and by its release, and has the version all the same", () => {
    const suites = suitesWith(TARGETS, OFFERS);
    expect(suiteOf(suites, GCC, "trixie")?.codename).toBe("trixie");
    expect(suiteOf(suites, GCC, "stable")?.codename).toBe("trixie");
    expect(suiteOf(suites, GCC, "bookworm")).toBeUndefined();
    expect(suiteOf(suites, GCC, "sid")).toBeUndefined();
  });

  it("belongs with its pockets, and to the distribution's own archive", () => {
    expect(["trixie", "trixie-updates", "trixie-security", "trixie-proposed-updates"].map(baseSuite)).toEqual(
      Array(4).fill("trixie"),
    );
    expect(archiveTargets(TARGETS, "Debian").map(({ codename }) => codename)).toEqual(["bookworm", "trixie"]);
    expect(archiveTargets(TARGETS, "Ubuntu")).toEqual([]);
  });
});
