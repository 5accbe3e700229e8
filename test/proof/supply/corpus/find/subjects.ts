import { newestVersion } from "../../../../../publisher/create/series/changelog.ts";
import { cvesIn } from "../../../../../publisher/create/series/fix.ts";

/** A line of Debian's changelog about a change of upstream. */
export interface ChangelogSubject {
  /** As upstream has it, without the CVEs behind it. */
  readonly subject: string;
  readonly cves: readonly string[];
}

const ENTRY = /^(?=[a-z0-9][a-z0-9+.-]* \([^)\s]{1,100}\))/m;
/** Debian names a change of its own or a stable release with a star, and each change of a release with a dash. */
const ITEM = /^\s+[*-] (.*(?:\n {4,}(?![*-] ).*)*)/gm;

/**
 * Returns the subjects in the entries of a Debian changelog that are newer than a version.
 * @throws Error if the changelog has no entry of that version.
 */
export function subjectsSince(changelog: string, version: string): readonly ChangelogSubject[] {
  const entries = changelog.split(ENTRY);
  const end = entries.findIndex((entry) => newestVersion(entry) === version);
  if (end < 0) throw new Error(`the changelog has no entry of ${version}`);
  return entries.slice(0, end).flatMap((entry) => [...entry.matchAll(ITEM)].map(([, item = ""]) => of(item)));
}

function of(item: string): ChangelogSubject {
  const line = item.replaceAll(/\s*\n\s+/g, " ");
  return { subject: line.replace(/\s*\((?:CVE-[\d-]+(?:,\s*)?)+\)\s*$/, "").trim(), cves: cvesIn(line) };
}
