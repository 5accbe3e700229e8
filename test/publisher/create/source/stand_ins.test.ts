import { describe, expect, it } from "vitest";
import { kernelCompiler } from "../../../../publisher/create/source/compiler.ts";
import { standIns } from "../../../../publisher/create/source/stand_ins.ts";

describe("programs that stand in for others", () => {
  it("say what the kernel was configured with", () => {
    const config = `CONFIG_CC_IS_GCC=y
CONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1 (4eb161250 2025-03-15) (built from a source tarball)"
CONFIG_RUSTC_LLVM_VERSION=190107
CONFIG_BINDGEN_VERSION_TEXT="bindgen 0.71.1"
CONFIG_PAHOLE_VERSION=130
`;
    expect(standIns(config)).toEqual({
      pahole: "echo v1.30",
      rustc:
        "echo 'rustc 1.85.1 (4eb161250 2025-03-15) (built from a source tarball)'\n[ \"$2\" != --verbose ] || echo 'LLVM version: 19.1.7'",
      bindgen: "echo 'bindgen 0.71.1'",
    });
  });

  it("fail where the kernel was configured without them, or where the text is none of a version", () => {
    const none = { pahole: "echo v0.0", rustc: "exit 1", bindgen: "exit 1" };
    expect(standIns("CONFIG_RUSTC_VERSION=0\n")).toEqual(none);
    const hostile = `CONFIG_RUSTC_VERSION_TEXT="rustc 1'; rm -rf /; '"\nCONFIG_BINDGEN_VERSION_TEXT="$(id)"\n`;
    expect(standIns(hostile)).toEqual(none);
  });
});

describe("the compiler of a kernel", () => {
  const of = (text: string) => kernelCompiler(`CONFIG_CC_VERSION_TEXT="${text}"\n`);

  it("is a package, if the distribution says which", () => {
    expect(of("x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0")).toMatchObject({
      program: "x86_64-linux-gnu-gcc-14",
      packaged: { distribution: "Debian", name: "gcc-14", version: "14.2.0-19" },
    });
    expect(of("x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0")?.packaged).toEqual({
      distribution: "Ubuntu",
      name: "gcc-13",
      version: "13.3.0-6ubuntu2~24.04",
    });
  });

  it("is a program alone, if it does not", () => {
    expect(of("gcc (GCC) 14.2.1 20240801 (Red Hat 14.2.1-1)")).toMatchObject({
      program: "gcc",
      packaged: undefined,
    });
    expect(of("Debian clang version 14.0.6")).toMatchObject({ program: "clang", packaged: undefined });
    expect(of("")).toBeUndefined();
  });
});
