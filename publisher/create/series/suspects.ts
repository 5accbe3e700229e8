import { objectOf } from "../source/affected.ts";
import type { FileChange } from "../source/apply_patch.ts";
import type { Reaches } from "../source/reach.ts";
import type { UpdateRefusal } from "../update.ts";
import type { FixNumber } from "./faults.ts";

/** What the fixes of an attempt do to files, and which objects these reach. */
export interface AttemptFiles {
  readonly fixes: readonly FixNumber[];
  readonly pathsOf: (fix: FixNumber) => readonly string[];
  readonly changes: readonly FileChange[];
  readonly reaches: Reaches;
}

/**
 * Returns the fixes that may be to blame for a refusal, the likeliest first: for a type those that change a file with
 * its definition; for a compiled file those that change it, then those that change a header that it includes.
 * @param sources the compiled files that the refusal is about.
 */
export function suspectsOf(
  { code, subject }: UpdateRefusal,
  sources: readonly string[],
  files: AttemptFiles,
): readonly (readonly FixNumber[])[] {
  const changing = (isMeant: (path: string) => boolean): readonly FixNumber[] =>
    files.fixes.filter((fix) => files.pathsOf(fix).some(isMeant));
  const lists = [
    code === "changed_type" ? changing(definers(subject, files.changes)) : [],
    code === "generated" ? changing((path) => path.endsWith(".h")) : [],
    changing((path) => path === subject || sources.includes(path)),
    changing((path) => sources.some((source) => files.reaches(path, objectOf(source)))),
  ];
  return lists.filter(({ length }) => length > 0);
}

/** Returns a test for the changed files that define a type, such as "struct foo" or "enum { FOO }". */
function definers(name: string, changes: readonly FileChange[]): (path: string) => boolean {
  const [, kind, tag] = /^(struct|union|enum) (\w+)$/.exec(name) ?? [];
  const word = tag ?? /\w+(?=\W*$)/.exec(name)?.[0] ?? name;
  const pattern =
    tag === undefined ? new RegExp(`\\b${word}\\b`) : new RegExp(`\\b${kind}\\s+${word}\\s*\\{`);
  const found = new Set(
    changes
      .filter(({ before = "", after = "" }) => pattern.test(before) || pattern.test(after))
      .map(({ path }) => path),
  );
  return (path) => found.has(path);
}
