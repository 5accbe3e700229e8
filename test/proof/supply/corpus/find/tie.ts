import type { ChangelogSubject } from "./subjects.ts";
import type { Touched } from "./touched.ts";

/** A file of C that a step changes. */
export interface TouchedFile {
  readonly path: string;
  readonly touched: Touched;
}

/** A file whose whole difference is one fix. */
export interface TiedFile {
  readonly path: string;
  readonly cve: string;
  readonly subject: string;
}

/**
 * Finds the files of a step whose difference is the fix of one CVE, by the subjects of the changelog. A subject claims the
 * file whose changed lines have a name that it gives, or that are in a function that it names; if there is none, it claims
 * the file that has the name of its subsystem. It claims nothing if that are several files. A file is a CVE's if only one
 * subject claims it.
 * @returns also the files that any subject claims.
 */
export function tiedFiles(
  subjects: readonly ChangelogSubject[],
  files: readonly TouchedFile[],
): { readonly tied: readonly TiedFile[]; readonly claimed: ReadonlySet<string> } {
  const words = files.map(({ path, touched }) => ({ path, touched, parts: partsOf(path) }));
  const claims = new Map<string, ChangelogSubject[]>();
  for (const subject of subjects) {
    const named = namedBy(subject.subject, files);
    const claimed = named.length > 0 ? named : ofSubsystem(subject.subject, words);
    const [file] = claimed;
    if (file === undefined || claimed.length > 1) continue;
    claims.set(file.path, [...(claims.get(file.path) ?? []), subject]);
  }
  const tied = files.flatMap(({ path }) => {
    const [only, another] = claims.get(path) ?? [];
    const [cve, more] = only?.cves ?? [];
    if (only === undefined || another !== undefined || cve === undefined || more !== undefined) return [];
    return [{ path, cve, subject: only.subject }];
  });
  return { tied, claimed: new Set(claims.keys()) };
}

/** The words of a subject that can be functions or data: they have a bracket behind them, or an underscore in them. */
const namesIn = (subject: string): readonly string[] =>
  [...subject.matchAll(/\b([A-Za-z_]\w*)(\(\))?/g)].flatMap(([, name = "", bracket]) =>
    bracket !== undefined || name.includes("_") ? name : [],
  );

/** Functions come before other names. */
function namedBy(subject: string, files: readonly TouchedFile[]): readonly TouchedFile[] {
  const names = namesIn(subject.replace(/^(?:[^:()]*: )*/, ""));
  const having = (of: (touched: Touched) => ReadonlySet<string>) =>
    files.filter(({ touched }) => names.some((name) => of(touched).has(name)));
  const functions = having((touched) => touched.functions);
  return functions.length > 0 ? functions : having((touched) => touched.names);
}

type Parted = TouchedFile & { readonly parts: ReadonlySet<string> };

/** The files whose path has the last words in front of the subject's last colon, as many of them as any path has. */
function ofSubsystem(subject: string, files: readonly Parted[]): readonly TouchedFile[] {
  const prefix = /^(?:\[[^\]]*\] )?((?:[\w ./,&-]+: ?)+)/.exec(subject)?.[1] ?? "";
  const words = prefix
    .split(/[:/,&]/)
    .map(plain)
    .filter((word) => word !== "")
    .reverse();
  let found: readonly Parted[] = [];
  for (const word of words) {
    const narrower = (found.length === 0 ? files : found).filter(({ parts }) => parts.has(word));
    if (narrower.length > 0) found = narrower;
  }
  return found;
}

/** The names in a path, of folders and of the file, whole and in their parts: "hid-sony.c" is "hidsony", "hid" and "sony". */
const partsOf = (path: string): ReadonlySet<string> =>
  new Set(path.split("/").flatMap((part) => [plain(part), ...part.split(/[-_.]/).map(plain)]));

const plain = (word: string): string =>
  word
    .toLowerCase()
    .replace(/\.[ch]$/, "")
    .replaceAll(/[^a-z0-9]/g, "");
