import { readFile } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";
import { type AptTarget, baseSuite } from "./targets.ts";

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

/** Returns whose keys the files of an archive that apt knows must be signed by. */
export const keysOf = async ({ entry, uri }: AptTarget): Promise<string | undefined> =>
  signedBy(await readFile(entry, "utf8").catch(() => ""), uri);

/** Returns the sources of a suite and of its pockets, as apt has them. */
export async function ownSources(
  targets: readonly AptTarget[],
  codename: string,
): Promise<readonly AptSource[]> {
  const base = baseSuite(codename);
  const own = targets.filter((each) => baseSuite(each.codename) === base);
  return Promise.all(own.map((target) => sourceOf(target, target.release)));
}

/** Returns the source of a suite in the archive of a target. */
const sourceOf = async (target: AptTarget, suite: string): Promise<AptSource> => ({
  uri: target.uri,
  suites: [suite],
  component: target.component,
  signedBy: await keysOf(target),
});

/**
 * Returns the sources of suites: those of this machine's apt that are called so, and the distribution's archive for
 * others.
 * @throws RebootlessError `unsupported` if apt has no archive of a distribution.
 */
export async function suiteSources(
  targets: readonly AptTarget[],
  suites: readonly string[],
): Promise<readonly AptSource[]> {
  const sources = new Map<string, AptSource>();
  for (const suite of suites)
    for (const target of targetsFor(targets, suite))
      sources.set([target.uri, target.component, suite].join(" "), await sourceOf(target, suite));
  return [...sources.values()];
}

/** Pockets lie in the archive of pockets: security updates are in one of their own. */
function targetsFor(targets: readonly AptTarget[], suite: string): readonly AptTarget[] {
  const own = targets.filter(({ codename, release }) => codename === suite || release === suite);
  if (own.length > 0) return own;
  const isSecurity = suite.endsWith("-security");
  const archive = targets.find(
    ({ codename, origin, label }) =>
      codename.endsWith("-security") === isSecurity && (isSecurity || origin === label),
  );
  if (archive !== undefined) return [archive];
  throw new RebootlessError("unsupported", `apt has no archive among its sources that could have ${suite}`, {
    hint: "Add one to apt's sources, and read its lists (apt-get update).",
  });
}
