/*
 * This file finds out whose kernel an image is from its banner (/proc/version). The release and `uname -v`
 * have the distribution's own marks, which its build puts there. The compiler's marks count only if those
 * agree, because people build kernels of their own with a distribution's compiler.
 */

/** The parts of a banner that are looked at. */
interface Marks {
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  /** The user and the host that built the kernel, such as `debian-kernel@lists.debian.org`. */
  readonly builder: string;
  /** The names and versions of the compiler and the linker. */
  readonly tools: string;
  /** The output of `uname -v`, from its `#` on. */
  readonly version: string;
}

const BANNER = /^Linux version (\S+) \(([^()\s]*)\) (.*?)(#.*)$/;

/**
 * Returns a kernel's distribution by its usual name: "Debian 12", or "Debian" if its version cannot be told.
 * Returns undefined if the banner does not say.
 */
export function distributionOf(banner: string | undefined): string | undefined {
  const [, release, builder, tools, version] = BANNER.exec(banner ?? "") ?? [];
  if (release === undefined || builder === undefined || tools === undefined || version === undefined)
    return undefined;
  const marks = { release, builder, tools, version };
  for (const recognised of [debian, ubuntu, fedora, enterprise, amazon, suse, alpine, arch]) {
    const name = recognised(marks);
    if (name !== undefined) return name;
  }
  return undefined;
}

/**
 * Debian's releases by the kernel series that each came with. A kernel that was ported back to an older
 * release says so itself.
 */
const DEBIAN_SERIES = new Map([
  ["4.19", "10"],
  ["5.10", "11"],
  ["6.1", "12"],
  ["6.12", "13"],
]);
const UBUNTU_SERIES = new Map([
  ["5.4", "20.04"],
  ["5.15", "22.04"],
  ["6.8", "24.04"],
]);

const seriesOf = (release: string): string => /^\d+\.\d+/.exec(release)?.[0] ?? "";
const named = (name: string, version: string | undefined): string =>
  version === undefined ? name : `${name} ${version}`;

/**
 * Recognises `… Debian 6.1.192-3 (2026-11-26)`, `… Debian 6.12.117-1~deb12u1`, `… Debian 6.12.9-1~bpo12+1`.
 */
function debian({ release, tools, version }: Marks): string | undefined {
  const [, own] = / Debian (\d\S*)/.exec(version) ?? [];
  if (own === undefined) return undefined;
  const [, told] = /[~+](?:deb|bpo)(\d+)/.exec(own) ?? /\(Debian [^()]*\+deb(\d+)u/.exec(tools) ?? [];
  return named("Debian", told ?? DEBIAN_SERIES.get(seriesOf(release)));
}

/** Recognises `#101-Ubuntu SMP`, `#14~22.04.1-Ubuntu SMP`. */
function ubuntu({ release, tools, version }: Marks): string | undefined {
  if (!/^#\S*-Ubuntu\b/.test(version)) return undefined;
  const [, told] = /^#\S*~(\d\d\.\d\d)/.exec(version) ?? /\(Ubuntu [^()]*~(\d\d\.\d\d)/.exec(tools) ?? [];
  return named("Ubuntu", told ?? UBUNTU_SERIES.get(seriesOf(release)));
}

/** Recognises `6.5.6-300.fc39.x86_64`. */
function fedora({ release }: Marks): string | undefined {
  const [, version] = /\.fc(\d+)\b/.exec(release) ?? [];
  return version === undefined ? undefined : `Fedora ${version}`;
}

const ENTERPRISE: readonly (readonly [builder: RegExp, name: string])[] = [
  [/\.stream\.[a-z0-9.]*redhat\.com$/, "CentOS Stream"],
  [/\.redhat\.com$/, "Red Hat Enterprise Linux"],
  [/\.centos\.org$/, "CentOS"],
  [/\.almalinux\.org$/, "AlmaLinux"],
  [/\.rockylinux\.org$/, "Rocky Linux"],
];

/**
 * Recognises `5.14.0-362.24.1.el9_3.x86_64`. The builder's host tells apart the distributions that are built
 * alike.
 */
function enterprise({ release, builder }: Marks): string | undefined {
  const [, major, minor, uek] = /\.el(\d+)(?:_(\d+))?(uek)?\b/.exec(release) ?? [];
  if (major === undefined) return undefined;
  if (uek !== undefined) return `Oracle Linux ${major}`;
  const [, name] = ENTERPRISE.find(([host]) => host.test(builder)) ?? [];
  return name === undefined ? undefined : `${name} ${major}${minor === undefined ? "" : `.${minor}`}`;
}

/** Recognises `6.1.61-85.141.amzn2023.x86_64`. */
function amazon({ release }: Marks): string | undefined {
  const [, version] = /\.amzn(\d+)\b/.exec(release) ?? [];
  return version === undefined ? undefined : `Amazon Linux ${version}`;
}

/**
 * Recognises `6.4.0-150600.21-default`, which is one kernel for openSUSE Leap 15.6 and the enterprise
 * edition.
 */
function suse({ release, builder }: Marks): string | undefined {
  if (builder !== "geeko@buildhost") return undefined;
  const [, major, minor] = /-(\d\d)(\d\d)00\./.exec(release) ?? [];
  if (major !== undefined) return `SUSE ${major}.${Number(minor)}`;
  return /^\d+\.\d+\.\d+-\d+-/.test(release) ? "openSUSE Tumbleweed" : "SUSE";
}

/** Recognises `buildozer@build-3-19-x86_64`. */
function alpine({ builder }: Marks): string | undefined {
  const [, major, minor] = /^buildozer@build-(\d+)-(\d+)-/.exec(builder) ?? [];
  return major === undefined ? undefined : `Alpine ${major}.${minor}`;
}

/** Recognises `linux@archlinux`, `linux-lts@archlinux`. */
const arch = ({ builder }: Marks): string | undefined =>
  builder.endsWith("@archlinux") ? "Arch Linux" : undefined;
