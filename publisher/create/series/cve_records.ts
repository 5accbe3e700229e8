import type { Fix } from "./fix.ts";

/** What is read of a CVE record, in the form in which the kernel's CNA publishes them (CVE JSON 5). */
export interface CveRecord {
  readonly cve: string;
  /** The commits that fix it, with all 40 digits: one for each branch. */
  readonly commits: readonly string[];
  /** The first release of each branch that has the fix: "6.1.192". */
  readonly releases: readonly string[];
  /** The files that the fix changes. */
  readonly files: readonly string[];
}

/** The releases between which a series leads: it has the fixes of `to` that `from` lacks. */
export interface ReleaseStep {
  readonly from: string;
  readonly to: string;
}

/** The most entries that are read of a list in a record. The largest records have some hundred. */
const MAX_LISTED = 4096;

/** Reads a record, or returns undefined if the text is none. What else it has does not matter. */
export function cveRecord(text: string): CveRecord | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  const about = member(record, "cveMetadata");
  const cve = member(about, "cveId") ?? member(about, "cveID");
  if (typeof cve !== "string" || !/^CVE-\d{4}-\d{4,12}$/.test(cve)) return undefined;
  if (member(about, "state") === "REJECTED") return undefined;
  const cna = member(member(record, "containers"), "cna");
  const affected = listed(member(cna, "affected"));
  const versions = affected.flatMap((each) => listed(member(each, "versions")));
  const isOf = (entry: unknown, type: string, status: string): boolean =>
    member(entry, "versionType") === type && member(entry, "status") === status;
  const ends = versions
    .filter((entry) => isOf(entry, "git", "affected"))
    .map((entry) => member(entry, "lessThan"));
  const named = listed(member(cna, "references")).map(
    (each) => /([0-9a-f]{40})$/.exec(textOf(member(each, "url")))?.[1],
  );
  return {
    cve,
    commits: strings([...ends, ...named]).filter((commit) => /^[0-9a-f]{40}$/.test(commit)),
    releases: strings(
      versions
        .filter((entry) => isOf(entry, "semver", "unaffected"))
        .map((entry) => member(entry, "version")),
    ).filter((release) => numbersOf(release).length > 0),
    files: strings(affected.flatMap((each) => listed(member(each, "programFiles")))),
  };
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

const listed = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value.slice(0, MAX_LISTED) : [];

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

const strings = (values: readonly unknown[]): readonly string[] => [
  ...new Set(values.filter((value) => typeof value === "string")),
];

/**
 * Adds CVEs to fixes: a commit has those whose records name it, and a part of a step those whose records say that a
 * release of the step has the fix, in a file that the part changes.
 * @param step the releases of the sources, for a series of parts.
 */
export function withCves(
  fixes: readonly Fix[],
  records: readonly CveRecord[],
  step: ReleaseStep | undefined,
): readonly Fix[] {
  const byCommit = new Map<string, string[]>();
  const byFile = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, cve: string): void =>
    void map.set(key, [...(map.get(key) ?? []), cve]);
  for (const { cve, commits, files, releases } of records) {
    for (const commit of commits) add(byCommit, commit, cve);
    if (step !== undefined && releases.some((release) => isWithin(release, step)))
      for (const file of files) add(byFile, file, cve);
  }
  return fixes.map((fix) => {
    const paths = fix.steps.flatMap(({ files }) => files.map(({ path }) => path.replace(/^[ab]\//, "")));
    const found = [
      ...fix.commits.flatMap((commit) => byCommit.get(commit) ?? []),
      ...paths.flatMap((path) => byFile.get(path) ?? []),
    ];
    return found.length === 0 ? fix : { ...fix, cves: [...new Set([...fix.cves, ...found])] };
  });
}

/** Reports whether a release is of the branch of a step, later than its beginning, and not later than its end. */
function isWithin(release: string, { from, to }: ReleaseStep): boolean {
  const [at, start, end] = [release, from, to].map(numbersOf);
  if (at === undefined || start === undefined || end === undefined || at.length < 2) return false;
  const isOfBranch = at[0] === end[0] && at[1] === end[1];
  return isOfBranch && compared(at, start) > 0 && compared(at, end) <= 0;
}

/** Returns the numbers of a release such as "6.1.192"; none if it is another kind of text. */
const numbersOf = (release: string): readonly number[] =>
  /^\d{1,5}(?:\.\d{1,5}){1,2}$/.test(release) ? release.split(".").map(Number) : [];

function compared(a: readonly number[], b: readonly number[]): number {
  for (const at of [0, 1, 2]) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
