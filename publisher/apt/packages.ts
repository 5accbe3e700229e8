import { basename } from "node:path";
import { mustRun } from "../../node/processes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { APT_HINT } from "./targets.ts";

/** The largest number of packages that are asked about. Debian's and Ubuntu's kernels of all suites are some 3,000. */
const MAX_PACKAGES = 20_000;
/** The largest number of names that one command line is given. */
const MAX_NAMES = 500;

/** A version of a package that an archive has, by the names of its fields (deb-control(5)). */
export interface AptPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: readonly string[];
  readonly bytes: number;
  readonly sha256: string;
  /** The name of the file, without the folders of the archive. */
  readonly file: string;
}

/**
 * Returns all versions of the packages whose names a pattern matches.
 * @param env names apt's configuration, if it is not this machine's own.
 */
export async function aptPackages(
  pattern: RegExp,
  env: Readonly<Record<string, string>>,
): Promise<readonly AptPackage[]> {
  const options = { env, hint: APT_HINT };
  const all = (await mustRun("apt-cache", ["pkgnames"], options)).split("\n");
  const names = all.filter((name) => pattern.test(name)).sort();
  if (names.length > MAX_PACKAGES)
    throw new RebootlessError("limit", `apt knows more than ${MAX_PACKAGES} packages of kernels`);
  const packages: AptPackage[] = [];
  for (let at = 0; at < names.length; at += MAX_NAMES) {
    const some = names.slice(at, at + MAX_NAMES);
    packages.push(...parseStanzas(await mustRun("apt-cache", ["show", "--all-versions", ...some], options)));
  }
  return packages;
}

/** Reads the stanzas that `apt-cache show` prints. A package that is installed and in no archive has no file and is left out. */
export const parseStanzas = (text: string): readonly AptPackage[] =>
  text.split(/\n\n+/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1]?.trim();
    const [name, version, architecture] = [field("Package"), field("Version"), field("Architecture")];
    const [path, size, sha256] = [field("Filename"), field("Size"), field("SHA256")];
    if (name === undefined || version === undefined || architecture === undefined) return [];
    if (path === undefined || sha256 === undefined || !/^\d{1,12}$/.test(size ?? "")) return [];
    const file = basename(path);
    const depends = (field("Depends") ?? "")
      .split(/\s*[,|]\s*/)
      .map((one) => one.split(/[\s(:]/, 1)[0] ?? "");
    return [{ name, version, architecture, depends, bytes: Number(size), sha256, file }];
  });

/**
 * Fetches one version of a package into a folder. apt verifies it by the archive's keys.
 * @throws RebootlessError `io` if the archive does not have it, or what it sent is not what it lists.
 */
export async function downloadPackage(
  { name, version }: Pick<AptPackage, "name" | "version">,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const args = ["-qq", "-o", "APT::Sandbox::User=root", "download", `${name}=${version}`];
  await mustRun("apt-get", args, { cwd: folder, env, hint: APT_HINT });
}
