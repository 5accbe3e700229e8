import { describe, expect, it } from "vitest";
import { signedBy, sourcesText, suiteSources } from "../../../publisher/apt/sources.ts";

describe("the keys of an archive", () => {
  const STANZAS = `# a remark
Types: deb
# URIs: http://archive/debian
URIs: http://archive/debian-security/ http://archive/other
Suites: trixie-security
Signed-By: /keys/security.gpg

Types: deb
URIs: http://archive/debian
Suites: trixie
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJ
 -----END PGP PUBLIC KEY BLOCK-----
Components: main
`;

  it("are those that the machine's own entry names", () => {
    expect(signedBy(STANZAS, "http://archive/debian-security")).toBe(" /keys/security.gpg");
    expect(signedBy(STANZAS, "http://archive/other")).toBe(" /keys/security.gpg");
    expect(signedBy(STANZAS, "http://archive/debian")).toMatch(
      /^\n -----BEGIN[\s\S]*\n -----END PGP PUBLIC KEY BLOCK-----$/,
    );
    expect(signedBy(STANZAS, "http://archive")).toBeUndefined();
  });

  it("are the option of a line in the old format, if it has one", () => {
    const lines = `# deb [signed-by=/no] http://a/x s main
deb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.gpg] http://a/x/ s main
deb http://b/x s main`;
    expect(signedBy(lines, "http://a/x")).toBe(" /keys/a.gpg /keys/b.gpg");
    expect(signedBy(lines, "http://b/x")).toBeUndefined();
  });

  it("go into the file that a root is made from, as they were", () => {
    const source = { uri: "http://archive/debian", suites: ["trixie"], component: "main" };
    expect(
      sourcesText([{ ...source, signedBy: signedBy(STANZAS, "http://archive/debian") }]),
    ).toBe(`Types: deb
URIs: http://archive/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJ
 -----END PGP PUBLIC KEY BLOCK-----
`);
    const two = sourcesText([
      { ...source, signedBy: undefined },
      { ...source, signedBy: " /keys/a.gpg" },
    ]);
    expect(two.split("\n\n").map((stanza) => stanza.includes("Signed-By: /keys/a.gpg"))).toEqual([
      false,
      true,
    ]);
  });
});

describe("the sources of suites", () => {
  const target = (uri: string, codename: string, label = "Debian") => ({
    entry: "/nowhere",
    uri,
    release: codename,
    codename,
    component: "main",
    origin: "Debian",
    label,
  });
  const TARGETS = [
    target("http://archive/debian", "bookworm"),
    target("http://archive/debian", "bookworm-updates"),
    target("http://archive/security", "bookworm-security", "Debian-Security"),
  ];
  const sourcesOf = async (...suites: readonly string[]) =>
    (await suiteSources(TARGETS, suites)).map(({ uri, suites: [suite] }) => `${uri} ${suite}`);

  it("are this machine's own if it has them, and the distribution's archive for others", async () => {
    expect(await sourcesOf("bookworm", "bookworm-security")).toEqual([
      "http://archive/debian bookworm",
      "http://archive/security bookworm-security",
    ]);
    expect(await sourcesOf("trixie", "trixie-backports", "trixie-security", "trixie")).toEqual([
      "http://archive/debian trixie",
      "http://archive/debian trixie-backports",
      "http://archive/security trixie-security",
    ]);
  });

  it("need an archive that could have them", async () => {
    await expect(suiteSources([], ["trixie"])).rejects.toMatchObject({ code: "unsupported" });
  });
});
