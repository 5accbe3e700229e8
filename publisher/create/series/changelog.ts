import { cvesIn } from "./fix.ts";

/** The most CVEs that a step may have. An update can name some thousand. */
const MAX_CVES = 4096;

/** Returns the version of the newest entry of a Debian changelog (deb-changelog(5)): "6.1.192-3". */
export const newestVersion = (changelog: string): string | undefined => HEAD.exec(changelog)?.[1];

const HEAD = /^[a-z0-9][a-z0-9+.-]* \(([^)\s]{1,100})\)/m;

/**
 * Returns the CVEs that the entries of a changelog name which are newer than a version, each once.
 * @returns undefined if the changelog has no entry of that version.
 */
export function cvesSince(changelog: string, version: string): readonly string[] | undefined {
  const entries = changelog.split(/^(?=[a-z0-9][a-z0-9+.-]* \([^)\s]{1,100}\))/m);
  const end = entries.findIndex((entry) => newestVersion(entry) === version);
  if (end < 0) return undefined;
  const lines = entries.slice(0, end).flatMap((entry) => entry.split("\n"));
  return [...new Set(lines.flatMap(cvesIn))].slice(0, MAX_CVES);
}
