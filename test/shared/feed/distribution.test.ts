import { describe, expect, it } from "vitest";
import { distributionOf } from "../../../shared/feed/distribution.ts";

const DEBIAN = "debian-kernel@lists.debian.org";
const GCC_12 = "(gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40)";
const OLD_GCC = "(gcc-10 (Debian 10.2.1-6) 10.2.1 20210110, GNU ld (GNU Binutils for Debian) 2.35.2)";
const UBUNTU = "buildd@lcy02-amd64-045";
const UBUNTU_GCC = "(gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0, GNU ld (GNU Binutils for Ubuntu) 2.38)";
const GCC_13 = "(x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-23ubuntu4) 13.2.0, GNU ld 2.42)";
const RED_HAT =
  "(gcc (GCC) 11.4.1 20230605 (Red Hat 11.4.1-2), GNU ld version 2.35.2-42.el9) #1 SMP PREEMPT_DYNAMIC";

describe("the distribution that a banner names", () => {
  it.each([
    [
      `6.1.0-57-cloud-amd64 (${DEBIAN}) ${GCC_12} # SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)`,
      "Debian 12",
    ],
    [
      `6.12.117+deb12-cloud-amd64 (${DEBIAN}) ${GCC_12} # SMP Debian 6.12.117-1~deb12u1 (2026-11-14)`,
      "Debian 12",
    ],
    [`6.12.9+bpo-amd64 (${DEBIAN}) ${GCC_12} #1 SMP Debian 6.12.9-1~bpo12+1 (2025-01-19)`, "Debian 12"],
    [
      `6.1.0-0.deb11.13-amd64 (${DEBIAN}) ${OLD_GCC} #1 SMP Debian 6.1.55-1~bpo11+1 (2023-10-08)`,
      "Debian 11",
    ],
    [`5.10.0-26-amd64 (${DEBIAN}) ${OLD_GCC} #1 SMP Debian 5.10.197-1 (2023-09-29)`, "Debian 11"],
    [`6.12.43+deb13-amd64 (${DEBIAN}) (gcc 14.2.0) #1 SMP Debian 6.12.43-1 (2025-08-27)`, "Debian 13"],
    [
      `6.9.7-amd64 (${DEBIAN}) (gcc-13 (Debian 13.3.0-1) 13.3.0) #1 SMP Debian 6.9.7-1 (2024-06-27)`,
      "Debian",
    ],
    [
      `5.15.0-91-generic (${UBUNTU}) ${UBUNTU_GCC} #101-Ubuntu SMP Tue Nov 14 13:30:08 UTC 2023`,
      "Ubuntu 22.04",
    ],
    [`6.5.0-14-generic (${UBUNTU}) (gcc 12.3.0) #14~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC`, "Ubuntu 22.04"],
    [`6.8.0-31-generic (${UBUNTU}) ${GCC_13} #31-Ubuntu SMP PREEMPT_DYNAMIC Sat Apr 20`, "Ubuntu 24.04"],
    [`6.5.0-9-generic (${UBUNTU}) ${GCC_13} #9-Ubuntu SMP PREEMPT_DYNAMIC`, "Ubuntu"],
    [`6.5.6-300.fc39.x86_64 (mockbuild@bkernel01.iad2.fedoraproject.org) (gcc 13) #1 SMP`, "Fedora 39"],
    [
      `5.14.0-362.24.1.el9_3.x86_64 (mockbuild@x86-064.build.eng.rdu2.redhat.com) ${RED_HAT}`,
      "Red Hat Enterprise Linux 9.3",
    ],
    [`5.14.0-391.el9.x86_64 (mockbuild@x86-05.stream.rdu2.redhat.com) ${RED_HAT}`, "CentOS Stream 9"],
    [`5.14.0-362.8.1.el9_3.x86_64 (mockbuild@x64-builder02.almalinux.org) ${RED_HAT}`, "AlmaLinux 9.3"],
    [
      `5.14.0-362.8.1.el9_3.x86_64 (mockbuild@iad1-prod-build001.bld.equ.rockylinux.org) ${RED_HAT}`,
      "Rocky Linux 9.3",
    ],
    [`5.15.0-200.131.27.el9uek.x86_64 (mockbuild@host-100-100-224-48) ${RED_HAT}`, "Oracle Linux 9"],
    [`6.1.61-85.141.amzn2023.x86_64 (mockbuild@ip-10-0-42-1) (gcc 11) #1 SMP`, "Amazon Linux 2023"],
    [`6.4.0-150600.21-default (geeko@buildhost) (gcc 7.5.0) #1 SMP PREEMPT_DYNAMIC`, "SUSE 15.6"],
    [`6.12.0-160000.5-default (geeko@buildhost) (gcc 13) #1 SMP PREEMPT_DYNAMIC`, "SUSE 16.0"],
    [`6.6.3-1-default (geeko@buildhost) (gcc 13) #1 SMP PREEMPT_DYNAMIC`, "openSUSE Tumbleweed"],
    [`6.6.4-1-lts (buildozer@build-3-19-x86_64) (gcc 13) #2-Alpine SMP PREEMPT_DYNAMIC`, "Alpine 3.19"],
    [`6.6.3-arch1-1 (linux@archlinux) (gcc 13.2.1) #1 SMP PREEMPT_DYNAMIC`, "Arch Linux"],
  ])("of Linux version %s is %s", (rest, name) => {
    expect(distributionOf(`Linux version ${rest}`)).toBe(name);
  });

  it.each([
    [
      "a kernel of somebody's own, built with Debian's compiler",
      `6.1.55 (me@home) ${GCC_12} #3 SMP PREEMPT_DYNAMIC`,
    ],
    [
      "one that is built from Debian's for something else",
      `6.5.11-4-pve (b@y) ${GCC_12} #1 SMP PMX 6.5.11-4`,
    ],
    ["an enterprise kernel of nobody known", `5.14.0-362.el9.x86_64 (mockbuild@0f3a) ${RED_HAT}`],
    ["one without marks", "6.1.0-test (builder@example) (gcc 12) #1 SMP"],
    ["one that only begins like a banner", "6.1.0"],
    ["an endless builder", `6.1.0 (${"(".repeat(1000)}`],
  ])("is not guessed for %s", (_, rest) => {
    expect(distributionOf(`Linux version ${rest}`)).toBeUndefined();
  });

  it("is nothing without a banner", () => expect(distributionOf(undefined)).toBeUndefined());
});
