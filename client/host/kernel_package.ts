import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import type { System } from "./system.ts";

type Read = Pick<System, "read">;

/** A distribution's package with the names that it can have. It has the first unless the package manager says otherwise. */
interface KernelPackage {
  readonly type: "deb" | "rpm";
  readonly vendor: string;
  readonly names: readonly [string, ...string[]];
  readonly version: string;
  readonly architecture: string;
}

type Recognize = (kernel: KernelIdentity, banner: string) => KernelPackage | undefined;

/**
 * Returns the package of the running kernel as a package URL (https://github.com/package-url/purl-spec), or undefined if it
 * is not certain, because with a wrong one scanners would take the statements for those of another kernel. It is derived
 * from the kernel's own banner, because the installed package may be a newer one of the same name.
 */
export async function kernelPackage(system: Read, kernel: KernelIdentity): Promise<string | undefined> {
  const banner = (await system.read("/proc/version")) ?? "";
  const distribution = DISTRIBUTIONS.get(await distributionId(system));
  if (!distribution || !RELEASE.test(kernel.release)) return undefined;
  if (!banner.startsWith(`Linux version ${kernel.release} (${distribution.builder}`)) return undefined;
  const found = distribution.recognize(kernel, banner);
  if (!found) return undefined;
  const { type, vendor, names, version, architecture } = found;
  const name = type === "deb" ? await ownerByDpkg(system, names, kernel.release) : names[0];
  // There is no `distro`, because scanners compare it, and each writes it differently (debian-12, debian-12.13).
  return `pkg:${type}/${vendor}/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`;
}

/** A release that can be part of a path. */
const RELEASE = /^[\w.+~-]+$/;

/** Reads the id of the distribution from os-release(5). */
async function distributionId(system: Read): Promise<string> {
  const text = (await system.read("/etc/os-release")) ?? (await system.read("/usr/lib/os-release")) ?? "";
  return /^ID=(["']?)([a-z0-9._-]+)\1$/m.exec(text)?.[2] ?? "";
}

const DEB_ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", arm64: "arm64" };

/**
 * Recognises `… #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)`. A version with an epoch (`1:`) is not recognised,
 * because scanners write it in two ways.
 */
const debian: Recognize = ({ release, architecture }, banner) => {
  const version = /\) #\d+ .*Debian (\d[\w.+~-]*) \(/.exec(banner)?.[1];
  const arch = DEB_ARCHITECTURES[architecture];
  if (version === undefined || arch === undefined) return undefined;
  const name = `linux-image-${release}`;
  return { type: "deb", vendor: "debian", names: [name, `${name}-unsigned`], version, architecture: arch };
};

/** Recognises `6.8.0-58-generic … #60~22.04.1-Ubuntu SMP …`, whose version is 6.8.0-58.60~22.04.1. */
const ubuntu: Recognize = ({ release, architecture }, banner) => {
  const upload = /\) #(\d[\w.~]*)-Ubuntu /.exec(banner)?.[1];
  const abi = /^(\d+\.\d+\.\d+-\d+)-[a-z]/.exec(release)?.[1];
  const arch = DEB_ARCHITECTURES[architecture];
  if (upload === undefined || abi === undefined || arch === undefined) return undefined;
  const names = [`linux-image-${release}`, `linux-image-unsigned-${release}`] as const;
  return { type: "deb", vendor: "ubuntu", names, version: `${abi}.${upload}`, architecture: arch };
};

/**
 * Recognises a release that is the version, release and architecture of the package. With something after it (`+debug`), it
 * is another package.
 */
const redHats =
  (vendor: string, distribution: RegExp): Recognize =>
  ({ release }) => {
    const [, version = "", architecture] = /^(\d[\w.~]*-[\w.~]+)\.(x86_64|aarch64)$/.exec(release) ?? [];
    if (architecture === undefined || !distribution.test(version)) return undefined;
    return { type: "rpm", vendor, names: ["kernel-core"], version, architecture };
  };

/** Matches versions from 8 on. Before that, the kernel was not in kernel-core. */
const ENTERPRISE = /\.el(?:[89]|[1-9]\d)(?:_\d+)?$/;

interface Distribution {
  /** The builder that the banner names. Another builder's kernel from the same source is not the distribution's package. */
  readonly builder: string;
  readonly recognize: Recognize;
}

const mock = (recognize: Recognize): Distribution => ({ builder: "mockbuild@", recognize });

/** The distributions by ID. SUSE is left out, because its package's version has a number that its kernel does not have. */
const DISTRIBUTIONS: ReadonlyMap<string, Distribution> = new Map([
  ["debian", { builder: "debian-kernel@lists.debian.org)", recognize: debian }],
  ["ubuntu", { builder: "buildd@", recognize: ubuntu }],
  ["fedora", mock(redHats("fedora", /\.fc\d+$/))],
  ["rhel", mock(redHats("redhat", ENTERPRISE))],
  ["centos", mock(redHats("centos", ENTERPRISE))],
  ["almalinux", mock(redHats("almalinux", ENTERPRISE))],
  ["rocky", mock(redHats("rocky", ENTERPRISE))],
]);

/**
 * Finds the package of the image in dpkg's lists of files, because the unsigned image has a package of its own. If neither
 * is listed, it is the package that the distribution installs.
 */
async function ownerByDpkg(system: Read, names: KernelPackage["names"], release: string): Promise<string> {
  for (const name of names) {
    const files = (await system.read(`/var/lib/dpkg/info/${name}.list`))?.split("\n");
    if (files?.includes(`/boot/vmlinuz-${release}`)) return name;
  }
  return names[0];
}
