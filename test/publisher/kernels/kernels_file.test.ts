import { describe, expect, it } from "vitest";
import {
  changedArchive,
  kernelsText,
  parseKernels,
  withArchive,
} from "../../../publisher/kernels/kernels_file.ts";
import type { KernelArchive, ServedKernel } from "../../../publisher/kernels/served_kernel.ts";
import { buildId, sha256Hex } from "../../../shared/brand.ts";

const HEAD = `# Ours.
[[archive]]
name = "debian" # the servers
apt = []
releases = ["6.1.*"]

# A mirror in the cellar.
[[archive]]
name = "cellar"
folder = "/srv/packages"
`;

const file = (name: string) => ({
  package: name,
  version: "6.1.192-2",
  file: `${name}_6.1.192-2_amd64.deb`,
  bytes: 1000,
  sha256: sha256Hex("ab".repeat(32)),
});

const kernel = (release: string, id: string): ServedKernel => ({
  release,
  buildId: buildId(id.repeat(20)),
  archive: "debian",
  distribution: 'Debian "12"',
  purl: `pkg:deb/debian/linux-image-${release}@6.1.192-2?arch=amd64`,
  compiler: "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0",
  image: file(`linux-image-${release}`),
  modules: [file("linux-modules"), file("linux-modules-extra")],
  headers: undefined,
  source: file("linux-source-6.1"),
});

const read = (text: string) => parseKernels(text, "kernels.toml");

describe("the list of kernels", () => {
  it("is read again as it was written, in the order of releases", () => {
    const kernels = [kernel("6.1.0-10-amd64", "bb"), kernel("6.1.0-9-amd64", "aa")];
    const text = kernelsText({ ...read(HEAD), kernels }, "kernels.toml");
    const again = read(text);
    expect(again.kernels).toEqual(kernels.toReversed());
    expect(again.archives.map(({ name, place }) => [name, place.kind])).toEqual([
      ["debian", "apt"],
      ["cellar", "folder"],
    ]);
    expect(kernelsText(again, "kernels.toml")).toBe(text);
  });

  it("keeps what a person wrote byte for byte", () => {
    const text = kernelsText({ ...read(HEAD), kernels: [kernel("6.1.0-9-amd64", "aa")] }, "kernels.toml");
    expect(text.startsWith(HEAD)).toBe(true);
    expect(read(text).head).toBe(HEAD);
  });

  it("gets another archive, and loses or changes one, without touching the rest", () => {
    const added: KernelArchive = {
      name: "trixie",
      place: { kind: "apt", suites: ["trixie"] },
      releases: [],
      flavours: ["cloud-amd64"],
      except: [],
    };
    const head = withArchive(HEAD, added);
    expect(head.startsWith(HEAD)).toBe(true);
    expect(read(head).archives.at(-1)).toEqual(added);
    const [debian] = read(HEAD).archives;
    if (debian === undefined) throw new Error("no archive");
    const without = changedArchive(HEAD, "debian", undefined);
    expect(without).toContain("# Ours.");
    expect(read(without).archives.map(({ name }) => name)).toEqual(["cellar"]);
    const changed = changedArchive(HEAD, "debian", { ...debian, except: ["6.1.0-47-amd64"] });
    expect(read(changed).archives[0]?.except).toEqual(["6.1.0-47-amd64"]);
    expect(changed).toContain('folder = "/srv/packages"');
  });

  it("is not written if the archives it would say are others", () => {
    expect(() => kernelsText({ ...read(HEAD), archives: [], kernels: [] }, "kernels.toml")).toThrow(
      /cannot be changed without losing remarks/,
    );
  });

  const ARCHIVE = '[[archive]]\nname = "a"\napt = []\n';
  it.each([
    ["no TOML", "[[archive]\n", /kernels\.toml:1 is not TOML/],
    ["an unknown key", `${ARCHIVE}suites = []\n`, /unknown key suites; there are name, apt, folder/],
    ["an archive without a place", '[[archive]]\nname = "a"\n', /archive\[0\]\.apt/],
    ["two places", `${ARCHIVE}folder = "x"\n`, /either of apt or a folder/],
    ["two archives of one name", `${ARCHIVE}${ARCHIVE}`, /two archives are called a/],
    ["a name that leaves a folder", '[[archive]]\nname = "../a"\napt = []\n', /the name of an archive/],
    [
      "a file that leaves a folder",
      kernelsText({ ...read(HEAD), kernels: [kernel("6.1.0-9-amd64", "aa")] }, "x").replace(
        /file = "linux-source[^"]*"/,
        'file = ".."',
      ),
      /the name of a file/,
    ],
    ["a text with a line end", `${ARCHIVE}releases = ["a\\nb"]\n`, /releases\[0\]/],
  ])("refuses %s", (_what, text, problem) => {
    expect(() => read(text)).toThrow(problem);
  });
});
