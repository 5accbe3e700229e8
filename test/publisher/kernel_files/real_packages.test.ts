import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { openInput, requireImage } from "../../../publisher/kernel_files/input.ts";
import { openModule } from "../../../publisher/module/module_file.ts";
import { findKernel } from "../../support/guest/machine.ts";

/** Packages around a real kernel and one of its modules, made by the programs that distributions make theirs with. */

const kernel = findKernel("secondary");
const RELEASE = kernel.version;
const MODULE = "kernel/net/8021q/8021q.ko";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rebootless-packages-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Files as a package has them: the kernel where it is wanted, and a module. */
function layOut(name: string, image: string): string {
  const root = join(folder, name);
  const modules = join(root, "usr/lib/modules", RELEASE);
  mkdirSync(join(modules, "kernel/net/8021q"), { recursive: true });
  mkdirSync(join(root, image, ".."), { recursive: true });
  copyFileSync(kernel.vmlinuz, join(root, image));
  copyFileSync(join(kernel.modules, MODULE), join(modules, MODULE));
  return root;
}

const BESIDE_MODULES = `usr/lib/modules/${RELEASE}/vmlinuz`;

/** As Fedora, Red Hat's, SUSE's and Amazon's are, apart from how the files are compressed. */
function rpm(compression: string): string {
  const root = layOut(`rpm-${compression}`, BESIDE_MODULES);
  const spec = join(folder, `${compression}.spec`);
  const lines = [
    "Name: kernel-core",
    "Version: 1",
    "Release: 1",
    "Summary: a kernel",
    "License: none",
    "AutoReqProv: no",
    "%description",
    "A kernel and a module.",
    "%install",
    `cp -a ${root}/. %{buildroot}`,
    "%files",
    "/usr",
  ];
  writeFileSync(spec, `${lines.join("\n")}\n`);
  const defines = {
    _topdir: join(folder, `top-${compression}`),
    _binary_payload: compression,
    _build_id_links: "none",
    __os_install_post: "%{nil}",
    debug_package: "%{nil}",
  };
  const args = Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  execFileSync("rpmbuild", ["-bb", "--target", "x86_64", ...args, spec], { stdio: "ignore" });
  return join(folder, `top-${compression}`, "RPMS/x86_64/kernel-core-1-1.x86_64.rpm");
}

/** As makepkg makes it. */
function arch(): string {
  const root = layOut("arch", BESIDE_MODULES);
  writeFileSync(join(root, ".PKGINFO"), "pkgname = linux\n");
  const file = join(folder, "linux-1-1-x86_64.pkg.tar.zst");
  execFileSync("bsdtar", ["--zstd", "-cf", file, "-C", root, ".PKGINFO", "usr"]);
  return file;
}

/** As abuild makes it: gzip streams, one after the other, of tar archives without their ends. */
function alpine(): string {
  const root = layOut("alpine", "boot/vmlinuz-virt");
  writeFileSync(join(root, ".PKGINFO"), "pkgname = linux-virt\n");
  const part = (names: readonly string[], isLast: boolean): Buffer => {
    const tar = execFileSync("tar", ["-C", root, "-cf", "-", "--format=posix", ...names], {
      maxBuffer: 256 << 20,
    });
    let end = tar.length;
    while (!isLast && tar.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
    return execFileSync("gzip", ["-c"], { input: tar.subarray(0, end), maxBuffer: 256 << 20 });
  };
  const file = join(folder, "linux-virt.apk");
  writeFileSync(file, Buffer.concat([part([".PKGINFO"], false), part(["boot", "usr"], true)]));
  return file;
}

/** A unified kernel image: a PE file whose section .linux is the boot image. */
function unified(linux: Uint8Array, { name = ".linux", cut = 0 } = {}): Uint8Array {
  const [start, header] = [64, 24 + 16];
  const file = Buffer.alloc(512 + linux.length - cut);
  file.write("MZ", 0, "latin1");
  file.writeUInt32LE(start, 0x3c);
  file.write("PE\0\0", start, "latin1");
  file.writeUInt16LE(2, start + 6);
  file.writeUInt16LE(16, start + 20);
  const section = start + header + 40;
  file.write(".osrel", start + header, "latin1");
  file.write(name, section, "latin1");
  file.writeUInt32LE(linux.length, section + 8);
  file.writeUInt32LE(linux.length, section + 16);
  file.writeUInt32LE(512, section + 20);
  file.set(linux.subarray(0, linux.length - cut), 512);
  return file;
}

describe("a unified kernel image", () => {
  const vmlinuz = readFileSync(kernel.vmlinuz);

  it("has the kernel in one of its sections", () => {
    expect(openKernelImage(unified(vmlinuz)).release).toBe(RELEASE);
  });

  it.each([
    ["without that section", { name: ".other" }, "neither a Linux boot image nor an ELF file"],
    ["that is cut off", { cut: 5000 }, "PE section .linux"],
  ])("is refused %s", (_, change, words) => {
    expect(() => openKernelImage(unified(vmlinuz, change))).toThrow(
      expect.objectContaining({ code: "parse", message: expect.stringContaining(words) }),
    );
  });
});

describe("a package of a real kernel", () => {
  it.each([
    ["rpm, gzip", () => rpm("w6.gzdio")],
    ["rpm, xz", () => rpm("w2.xzdio")],
    ["rpm, zstd", () => rpm("w3.zstdio")],
    ["Arch", arch],
    ["Alpine", alpine],
    ["a folder with the kernel beside the modules", () => layOut("folder", BESIDE_MODULES)],
  ])("is opened with its modules: %s", async (_, make) => {
    const path = make();
    const input = await openInput(path, (name) => name === "8021q");
    expect(openKernelImage(requireImage(input, path)).release).toBe(RELEASE);
    const [module] = input.modules;
    expect(openModule((await module?.read()) ?? new Uint8Array()).name).toBe("8021q");
  });

  it("is refused where it is not what its digests say", async () => {
    const bytes = readFileSync(rpm("w1.gzdio"));
    for (const [at, what] of [
      [bytes.length - 1000, "the archive of files is not what its SHA-256 says"],
      [bytes.indexOf("kernel-core", 4096), "the header is not what its SHA-256 says"],
    ] as const) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const file = join(folder, "damaged.rpm");
      writeFileSync(file, damaged);
      await expect(openInput(file)).rejects.toMatchObject({ code: "parse", message: `rpm: ${what}` });
    }
  });

  it("names the packages that have the kernel, if it only depends on them", async () => {
    const root = join(folder, "split");
    mkdirSync(join(root, "DEBIAN"), { recursive: true });
    const control = [
      `Package: linux-image-${RELEASE}`,
      "Version: 1",
      "Architecture: amd64",
      "Maintainer: nobody <nobody@example.org>",
      `Depends: kmod, linux-base-${RELEASE} (= 1), linux-binary-${RELEASE} (= 1), linux-modules-${RELEASE} (= 1)`,
      "Description: a kernel",
    ];
    writeFileSync(join(root, "DEBIAN/control"), `${control.join("\n")}\n`);
    const file = join(folder, "split.deb");
    execFileSync("dpkg-deb", ["--build", root, file], { stdio: "ignore" });
    const input = await openInput(file);
    expect(() => requireImage(input, file)).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining(`linux-binary-${RELEASE} and linux-modules-${RELEASE}`),
      }),
    );
  });
});
