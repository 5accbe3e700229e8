import type { PackagedCompiler } from "../source/compiler.ts";

/*
 * Which suite of a distribution's archive has a kernel's compiler. This file only reads what apt prints.
 */

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
export const TARGET_FORMAT = [
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

/** A version of a package in one suite. */
export interface SuiteOffer {
  readonly version: string;
  readonly uri: string;
  readonly release: string;
}

/** Reads the table that `apt-cache madison NAME` prints: `NAME | VERSION | URI RELEASE/COMPONENT ARCHITECTURE Packages`. */
export const parseOffers = (table: string): readonly SuiteOffer[] =>
  table.split("\n").flatMap((line) => {
    const [, version, uri, release] =
      /^ *\S+ \| +(\S+) \| (\S+) (\S+)\/[\w.+-]+ \S+ Packages$/.exec(line) ?? [];
    if (version === undefined || uri === undefined || release === undefined) return [];
    return [{ version, uri: uri.replace(/\/*$/, ""), release }];
  });

/** A suite that has a version of the compiler. */
export interface SuiteWithCompiler {
  readonly codename: string;
  /** The name by which apt's sources have it, which may be "stable". */
  readonly release: string;
  readonly version: string;
}

/** What names of suites are made of. A root's folder is named by it. */
export const SUITE_NAME = /^[a-z0-9][a-z0-9.+-]{0,63}$/;

/** Returns what the suites of some targets offer. What is in more than one component is named once. */
export function suitesWith(
  targets: readonly AptTarget[],
  offers: readonly SuiteOffer[],
): readonly SuiteWithCompiler[] {
  const found = new Map<string, SuiteWithCompiler>();
  for (const { version, uri, release } of offers) {
    const target = targets.find((each) => each.uri === uri && each.release === release);
    if (target === undefined || !SUITE_NAME.test(target.codename)) continue;
    const { codename } = target;
    found.set(`${codename} ${version}`, { codename, release, version });
  }
  return [...found.values()];
}

/**
 * Returns the first suite that has exactly the compiler of a kernel.
 * @param wanted the name of the suite that it must be, if one was given.
 */
export const suiteOf = (
  suites: readonly SuiteWithCompiler[],
  compiler: PackagedCompiler,
  wanted: string | undefined,
): SuiteWithCompiler | undefined =>
  suites.find(({ version, ...suite }) => version === compiler.version && isCalled(suite, wanted));

/** Reports whether a suite has a name. All of them have none. */
export const isCalled = (
  { codename, release }: Pick<SuiteWithCompiler, "codename" | "release">,
  name: string | undefined,
): boolean => name === undefined || codename === name || release === name;

/** Returns the suite that a pocket belongs to: "trixie" for "trixie-updates". */
export const baseSuite = (codename: string): string =>
  codename.replace(/-(?:updates|security|backports|proposed-updates)$/, "");

/** Returns the targets of the archive of a distribution itself, not those that others keep for it. */
export const archiveTargets = (targets: readonly AptTarget[], distribution: string): readonly AptTarget[] =>
  targets.filter(({ origin, label }) => origin === distribution && label === distribution);

/** Stanzas of a file in apt's format deb822 (sources.list(5)). */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly component: string;
  /** What the machine's own entry says: the path of a keyring, or a key. */
  readonly signedBy: string | undefined;
}

export const sourcesText = (sources: readonly AptSource[]): string =>
  sources
    .map(({ uri, suites, component, signedBy }) =>
      [
        "Types: deb",
        `URIs: ${uri}`,
        `Suites: ${suites.join(" ")}`,
        `Components: ${component}`,
        ...(signedBy === undefined ? [] : [`Signed-By:${signedBy}`]),
        "",
      ].join("\n"),
    )
    .join("\n");

/**
 * Returns whose keys an archive's files must be signed by, as an entry of a file of sources says: the rest of the field
 * `Signed-By`, with its further lines, or the option `signed-by` of a line.
 * @param text the file's content, of either format.
 */
export function signedBy(text: string, uri: string): string | undefined {
  const names = (line: string): boolean => line.split(/\s+/).some((word) => word.replace(/\/*$/, "") === uri);
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  const line = lines.find((each) => /^deb\s/.test(each) && names(each));
  const option = /\[[^\]]*\bsigned-by=([^\s\]]+)/.exec(line ?? "")?.[1];
  if (line !== undefined) return option === undefined ? undefined : ` ${option.replaceAll(",", " ")}`;
  const stanza = lines
    .join("\n")
    .split(/\n\s*\n/)
    .find((each) => each.split("\n").some((field) => /^URIs:/i.test(field) && names(field)));
  return /^Signed-By:(.*(?:\n[ \t].*)*)/im.exec(stanza ?? "")?.[1];
}
