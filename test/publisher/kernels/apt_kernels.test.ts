import { describe, expect, it } from "vitest";
import { parseStanzas } from "../../../publisher/apt/packages.ts";
import { kernelsAmong } from "../../../publisher/kernels/apt_kernels.ts";

/** A stanza as `apt-cache show` prints it. */
function stanza(name: string, version: string, depends = "", architecture = "amd64"): string {
  return `Package: ${name}
Version: ${version}
Installed-Size: 13652
Architecture: ${architecture}
Depends: ${depends}
Description: Linux
 Depends: this line belongs to the description
Filename: pool/main/l/linux/${name}_${version}_${architecture}.deb
Size: 1000
SHA256: ${"ab".repeat(32)}
`;
}

const kernelsOf = (...stanzas: readonly string[]) => kernelsAmong(parseStanzas(stanzas.join("\n")));

describe("the kernels of an archive of apt", () => {
  it("have image and modules in one package, and the source of the same version", () => {
    const [kernel, ...others] = kernelsOf(
      stanza("linux-image-6.1.0-56-cloud-amd64", "6.1.192-2", "kmod, linux-base (>= 4.3~)"),
      stanza("linux-headers-6.1.0-56-cloud-amd64", "6.1.192-2", "gcc-12-x86-64-linux-gnu"),
      stanza("linux-source-6.1", "6.1.192-2", "", "all"),
      stanza("linux-source-6.1", "6.1.192-3", "", "all"),
    );
    expect(others).toEqual([]);
    expect(kernel).toMatchObject({
      release: "6.1.0-56-cloud-amd64",
      image: {
        package: "linux-image-6.1.0-56-cloud-amd64",
        version: "6.1.192-2",
        file: "linux-image-6.1.0-56-cloud-amd64_6.1.192-2_amd64.deb",
        bytes: 1000,
        sha256: "ab".repeat(32),
      },
      modules: [],
      headers: { package: "linux-headers-6.1.0-56-cloud-amd64" },
      source: { package: "linux-source-6.1", version: "6.1.192-2" },
    });
  });

  it("may be split, and what only depends on the parts is no kernel of its own", () => {
    const release = "7.3.4+deb13-cloud-amd64";
    const kernels = kernelsOf(
      stanza(
        `linux-image-${release}`,
        "7.3.4-1",
        `linux-binary-${release} (= 7.3.4-1), linux-modules-${release}`,
      ),
      stanza(`linux-binary-${release}`, "7.3.4-1", `linux-base-${release} (= 7.3.4-1)`),
      stanza(`linux-modules-${release}`, "7.3.4-1"),
    );
    expect(kernels).toHaveLength(1);
    expect(kernels[0]?.image.package).toBe(`linux-binary-${release}`);
    expect(kernels[0]?.modules.map((file) => file.package)).toEqual([`linux-modules-${release}`]);
    expect([kernels[0]?.headers, kernels[0]?.source]).toEqual([undefined, undefined]);
  });

  it("are not packages of debugging data, of no signed kernel, of the newest kernel or of another architecture", () => {
    const kernels = kernelsOf(
      stanza("linux-image-6.1.0-56-amd64-dbg", "6.1.192-2"),
      stanza("linux-image-6.1.0-56-amd64-unsigned", "6.1.192-2"),
      stanza("linux-image-6.12-amd64", "6.12.117-1", "linux-image-6.12.117+deb12-amd64 (= 6.12.117-1)"),
      stanza("linux-image-6.1.0-56-arm64", "6.1.192-2", "", "arm64"),
      stanza("linux-headers-6.1.0-56-amd64", "6.1.192-2"),
    );
    expect(kernels).toEqual([]);
  });

  it("are listed with each of their versions", () => {
    const kernels = kernelsOf(
      stanza("linux-image-6.8.0-45-generic", "6.8.0-45.45"),
      stanza("linux-image-6.8.0-45-generic", "6.8.0-45.46"),
      stanza("linux-modules-6.8.0-45-generic", "6.8.0-45.46"),
      stanza("linux-modules-extra-6.8.0-45-generic", "6.8.0-45.46"),
    );
    expect(kernels.map(({ image, modules }) => [image.version, modules.length])).toEqual([
      ["6.8.0-45.45", 0],
      ["6.8.0-45.46", 2],
    ]);
  });

  it("need a file and a digest: what is only installed has none", () => {
    expect(kernelsOf("Package: linux-image-6.1.0-56-amd64\nVersion: 1\nArchitecture: amd64\n")).toEqual([]);
  });
});
