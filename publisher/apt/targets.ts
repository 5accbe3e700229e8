import { mustRun } from "../../node/processes.ts";

/*
 * What apt knows: which folders of packages of which suites. apt itself is asked, so that its own sources, keys and
 * preferences count.
 */

/** The hint of an error that says that a program of apt cannot be run. */
export const APT_HINT = "This needs apt, as Debian, Ubuntu and their derivatives have it.";

/** A folder of packages that apt knows: one component of a suite. */
export interface AptTarget {
  /** The file that names it, such as /etc/apt/sources.list.d/debian.sources. */
  readonly entry: string;
  readonly uri: string;
  /** The name by which it was asked for: "trixie", "stable". */
  readonly release: string;
  readonly codename: string;
  readonly component: string;
  readonly origin: string;
  readonly label: string;
}

/** The format in which `apt-get indextargets` is asked for what `parseTargets` reads. */
const TARGET_FORMAT = [
  "$(SOURCESENTRY)",
  "$(REPO_URI)",
  "$(RELEASE)",
  "$(CODENAME)",
  "$(COMPONENT)",
  "$(ORIGIN)",
  "$(LABEL)",
].join("\t");

/** Reads what `apt-get indextargets --format TARGET_FORMAT` prints. A field that a target does not have stays as it was asked for. */
export const parseTargets = (text: string): readonly AptTarget[] =>
  text.split("\n").flatMap((line) => {
    const [entry, uri, release, codename, component, origin, label] = line.split("\t");
    if (entry === undefined || uri === undefined || release === undefined || component === undefined)
      return [];
    if (codename === undefined || origin === undefined || label === undefined) return [];
    const name = codename.startsWith("$(") || codename === "" ? release : codename;
    return [
      {
        entry: entry.replace(/:\d+$/, ""),
        uri: uri.replace(/\/*$/, ""),
        release,
        codename: name,
        component,
        origin,
        label,
      },
    ];
  });

/** Returns what apt knows. @param env names apt's configuration, if it is not this machine's own. */
export async function readTargets(env: Readonly<Record<string, string>>): Promise<readonly AptTarget[]> {
  const args = ["indextargets", "--format", TARGET_FORMAT, "Created-By: Packages"];
  return parseTargets(await mustRun("apt-get", args, { env, hint: APT_HINT }));
}

/** Returns the suite that a pocket belongs to: "trixie" for "trixie-updates". */
export const baseSuite = (codename: string): string =>
  codename.replace(/-(?:updates|security|backports|proposed-updates)$/, "");

/** Returns the targets of the archive of a distribution itself, not those that others keep for it. */
export const archiveTargets = (targets: readonly AptTarget[], distribution: string): readonly AptTarget[] =>
  targets.filter(({ origin, label }) => origin === distribution && label === distribution);
