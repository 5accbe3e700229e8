/*
 * Whose kernel an image is, read off its banner (/proc/version): the release and `uname -v` have the distribution's own marks,
 * which its build puts there. The compiler's marks count only where those agree: people build kernels of their own with a
 * distribution's compiler.
 */

/** What of a banner is looked at. */
interface Marks {
  /** `uname -r`. */
  readonly release: string;
  /** Who built it, where: `debian-kernel@lists.debian.org`. */
  readonly builder: string;
  /** Of the compiler and the linker. */
  readonly tools: string;
  /** `uname -v`, from its `#`. */
  readonly version: string;
}

const BANNER = /^Linux version (\S+) \(([^()\s]*)\) (.*?)(#.*)$/;

/** A kernel's distribution, as people call it: "Debian 12", or "Debian" where its version cannot be told; undefined where nothing says. */
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

/** By what each release came with; a kernel that was brought back to an older one says so itself. */
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

/** `… Debian 6.1.192-3 (2026-11-26)`, `… Debian 6.12.117-1~deb12u1`, `… Debian 6.12.9-1~bpo12+1`. */
function debian({ release, tools, version }: Marks): string | undefined {
  const [, own] = / Debian (\d\S*)/.exec(version) ?? [];
  if (own === undefined) return undefined;
  const [, told] = /[~+](?:deb|bpo)(\d+)/.exec(own) ?? /\(Debian [^()]*\+deb(\d+)u/.exec(tools) ?? [];
  return named("Debian", told ?? DEBIAN_SERIES.get(seriesOf(release)));
}

/** `#101-Ubuntu SMP`, `#14~22.04.1-Ubuntu SMP`. */
function ubuntu({ release, tools, version }: Marks): string | undefined {
  if (!/^#\S*-Ubuntu\b/.test(version)) return undefined;
  const [, told] = /^#\S*~(\d\d\.\d\d)/.exec(version) ?? /\(Ubuntu [^()]*~(\d\d\.\d\d)/.exec(tools) ?? [];
  return named("Ubuntu", told ?? UBUNTU_SERIES.get(seriesOf(release)));
}

/** `6.5.6-300.fc39.x86_64`. */
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

/** `5.14.0-362.24.1.el9_3.x86_64`: which of those that are built alike, the builder's host says. */
function enterprise({ release, builder }: Marks): string | undefined {
  const [, major, minor, uek] = /\.el(\d+)(?:_(\d+))?(uek)?\b/.exec(release) ?? [];
  if (major === undefined) return undefined;
  if (uek !== undefined) return `Oracle Linux ${major}`;
  const [, name] = ENTERPRISE.find(([host]) => host.test(builder)) ?? [];
  return name === undefined ? undefined : `${name} ${major}${minor === undefined ? "" : `.${minor}`}`;
}

/** `6.1.61-85.141.amzn2023.x86_64`. */
function amazon({ release }: Marks): string | undefined {
  const [, version] = /\.amzn(\d+)\b/.exec(release) ?? [];
  return version === undefined ? undefined : `Amazon Linux ${version}`;
}

/** `6.4.0-150600.21-default` is one kernel for openSUSE Leap 15.6 and the enterprise edition. */
function suse({ release, builder }: Marks): string | undefined {
  if (builder !== "geeko@buildhost") return undefined;
  const [, major, minor] = /-(\d\d)(\d\d)00\./.exec(release) ?? [];
  if (major !== undefined) return `SUSE ${major}.${Number(minor)}`;
  return /^\d+\.\d+\.\d+-\d+-/.test(release) ? "openSUSE Tumbleweed" : "SUSE";
}

/** `buildozer@build-3-19-x86_64`. */
function alpine({ builder }: Marks): string | undefined {
  const [, major, minor] = /^buildozer@build-(\d+)-(\d+)-/.exec(builder) ?? [];
  return major === undefined ? undefined : `Alpine ${major}.${minor}`;
}

/** `linux@archlinux`, `linux-lts@archlinux`. */
const arch = ({ builder }: Marks): string | undefined =>
  builder.endsWith("@archlinux") ? "Arch Linux" : undefined;
