import { describe, expect, it } from "vitest";
import { kernelPackage } from "../../../client/host/kernel_package.ts";
import { buildId } from "../../../shared/brand.ts";

const BANNERS = {
  debian12:
    "Linux version 6.1.0-57-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)",
  debian12Backport:
    "Linux version 6.12.115+deb12-cloud-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.12.115-2~deb12u1 (2026-11-04)",
  debian13:
    "Linux version 6.12.57+deb13-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44) #1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)",
  raspberry:
    "Linux version 6.6.20+rpt-rpi-v8 (serge@raspberrypi.com) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT Debian 1:6.6.20-1+rpt1 (2024-03-07)",
  ubuntu2404:
    "Linux version 6.8.0-63-generic (buildd@lcy02-amd64-034) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0, GNU ld (GNU Binutils for Ubuntu) 2.42) #66-Ubuntu SMP PREEMPT_DYNAMIC Fri Jun 13 20:25:30 UTC 2025",
  ubuntu2204:
    "Linux version 6.8.0-85-generic (buildd@lcy02-amd64-083) (x86_64-linux-gnu-gcc-12 (Ubuntu 12.3.0-1ubuntu1~22.04.2) 12.3.0, GNU ld (GNU Binutils for Ubuntu) 2.38) #85~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC Fri Sep 19 16:18:59 UTC 2",
  ubuntuMainline:
    "Linux version 6.8.0-060800-generic (kernel@kathleen) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-17ubuntu2) 13.2.0, GNU ld (GNU Binutils for Ubuntu) 2.42) #202403131158 SMP PREEMPT_DYNAMIC Wed Mar 13 12:06:26 UTC 2024",
  fedora40:
    "Linux version 6.8.5-301.fc40.x86_64 (mockbuild@0bc0cc78c12e4762acf61c209bd02e96) (gcc (GCC) 14.0.1 20240328 (Red Hat 14.0.1-0), GNU ld version 2.41-34.fc40) #1 SMP PREEMPT_DYNAMIC Thu Apr 11 20:00:10 UTC 2024",
  fedoraDebug:
    "Linux version 6.8.5-301.fc40.x86_64+debug (mockbuild@0bc0cc78c12e4762acf61c209bd02e96) (gcc (GCC) 14.0.1 20240328 (Red Hat 14.0.1-0), GNU ld version 2.41-34.fc40) #1 SMP PREEMPT_DYNAMIC Thu Apr 11 20:00:10 UTC 2024",
  rhel9:
    "Linux version 5.14.0-284.30.1.el9_2.x86_64 (mockbuild@x86-vm-09.build.eng.bos.redhat.com) (gcc (GCC) 11.3.1 20221121 (Red Hat 11.3.1-4), GNU ld version 2.35.2-37.el9) #1 SMP PREEMPT_DYNAMIC Fri Aug 25 09:13:12 EDT 2023",
  opensuse:
    "Linux version 6.4.0-150600.23.65-default (geeko@buildhost) (gcc (SUSE Linux) 7.5.0, GNU ld (GNU Binutils; SUSE Linux Enterprise 15) 2.43.1.20240828-150100.7.52) #1 SMP PREEMPT_DYNAMIC Tue Aug 12 04:33:53 UTC 2025 (8e6dd52)",
  ownBuild:
    "Linux version 6.1.0-57-cloud-amd64 (me@workstation) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)",
} as const;

const DEBIAN =
  'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\nHOME_URL="https://www.debian.org/"';
const UBUNTU = 'NAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian';

/** Where these are the only files, and the kernel is the one of the banner unless told. */
function packageOf(
  banner: keyof typeof BANNERS,
  osRelease: string | undefined,
  files: Readonly<Record<string, string>> = {},
  changed: { readonly release?: string; readonly architecture?: string } = {},
) {
  const text: string = BANNERS[banner];
  const release = text.split(" ")[2] ?? "";
  const all = new Map(Object.entries({ "/proc/version": text, ...files }));
  if (osRelease !== undefined) all.set("/etc/os-release", osRelease);
  const kernel = { buildId: buildId("ab".repeat(20)), release, architecture: "x86_64", ...changed };
  return kernelPackage({ read: async (path) => all.get(path) }, kernel);
}

const list = (name: string, ...files: readonly string[]) => ({
  [`/var/lib/dpkg/info/${name}.list`]: ["/.", "/boot", ...files].join("\n"),
});

describe("the package that the running kernel came in", () => {
  it.each<[keyof typeof BANNERS, string, string]>([
    ["debian12", DEBIAN, "pkg:deb/debian/linux-image-6.1.0-57-cloud-amd64@6.1.192-3?arch=amd64"],
    [
      "debian12Backport",
      DEBIAN,
      "pkg:deb/debian/linux-image-6.12.115%2Bdeb12-cloud-amd64@6.12.115-2~deb12u1?arch=amd64",
    ],
    ["debian13", DEBIAN, "pkg:deb/debian/linux-image-6.12.57%2Bdeb13-amd64@6.12.57-1?arch=amd64"],
    ["ubuntu2404", UBUNTU, "pkg:deb/ubuntu/linux-image-6.8.0-63-generic@6.8.0-63.66?arch=amd64"],
    ["ubuntu2204", UBUNTU, "pkg:deb/ubuntu/linux-image-6.8.0-85-generic@6.8.0-85.85~22.04.1?arch=amd64"],
    ["fedora40", "NAME=Fedora\nID=fedora", "pkg:rpm/fedora/kernel-core@6.8.5-301.fc40?arch=x86_64"],
    ["rhel9", 'ID="rhel"', "pkg:rpm/redhat/kernel-core@5.14.0-284.30.1.el9_2?arch=x86_64"],
    ["rhel9", "ID='rocky'", "pkg:rpm/rocky/kernel-core@5.14.0-284.30.1.el9_2?arch=x86_64"],
  ])("is told from %s", async (banner, osRelease, purl) => {
    expect(await packageOf(banner, osRelease)).toBe(purl);
  });

  it("is told where only the vendor's os-release is there, and for another architecture", async () => {
    const vendors = { "/usr/lib/os-release": DEBIAN };
    expect(await packageOf("debian12", undefined, vendors)).toContain("pkg:deb/debian/linux-image-");
    expect(await packageOf("debian12", DEBIAN, {}, { architecture: "arm64" })).toMatch(/\?arch=arm64$/);
  });

  it.each<[string, keyof typeof BANNERS, string | undefined]>([
    ["an openSUSE kernel, whose package has a number more", "opensuse", 'ID="opensuse-leap"'],
    ["a build of one's own", "ownBuild", DEBIAN],
    ["a derivative's kernel", "raspberry", DEBIAN],
    ["a kernel from Ubuntu's archive of mainline builds", "ubuntuMainline", UBUNTU],
    ["a variant in another package", "fedoraDebug", "ID=fedora"],
    ["a kernel of another distribution than the rest", "fedora40", 'ID="rhel"'],
    ["a distribution that is not known", "debian12", "ID=kali\nID_LIKE=debian"],
    ["a host that does not say what it is", "debian12", undefined],
  ])("is not guessed for %s", async (_, banner, osRelease) => {
    expect(await packageOf(banner, osRelease)).toBeUndefined();
  });

  it("is not told where the banner is of another kernel, or the architecture is none that is known", async () => {
    expect(await packageOf("debian12", DEBIAN, {}, { release: "6.1.0-58-cloud-amd64" })).toBeUndefined();
    expect(await packageOf("debian12", DEBIAN, {}, { release: "6.1.0-57-cloud-amd6" })).toBeUndefined();
    expect(await packageOf("debian12", DEBIAN, {}, { architecture: "riscv64" })).toBeUndefined();
  });
});

describe("an image that is not signed", () => {
  const image = "/boot/vmlinuz-6.1.0-57-cloud-amd64";
  const signed = "linux-image-6.1.0-57-cloud-amd64";

  it("is named where dpkg says that the kernel is its", async () => {
    const installed = list(`${signed}-unsigned`, image);
    expect(await packageOf("debian12", DEBIAN, installed)).toContain(`/${signed}-unsigned@`);
    const generic = list("linux-image-unsigned-6.8.0-63-generic", "/boot/vmlinuz-6.8.0-63-generic");
    expect(await packageOf("ubuntu2404", UBUNTU, generic)).toContain(
      "/linux-image-unsigned-6.8.0-63-generic@6.8.0-63.66?",
    );
  });

  it("is not where it was installed once, or the signed one is", async () => {
    const removed = list(`${signed}-unsigned`, "/etc/conffile");
    expect(await packageOf("debian12", DEBIAN, removed)).toContain(`/${signed}@`);
    expect(await packageOf("debian12", DEBIAN, list(signed, image))).toContain(`/${signed}@`);
  });
});
