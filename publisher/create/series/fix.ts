import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { type PatchStep, patchSteps } from "../source/patch_file.ts";

/** The most fixes of a series. A year of a stable branch has some 10,000 commits. */
export const MAX_FIXES = 16_384;
/** The most bytes of all patches of a series. Those of a year of a stable branch have 40 MB. */
export const MAX_SERIES_BYTES = 128 << 20;
/** The most CVEs, and the most commits, that are read in a message. */
const MAX_NAMED = 64;
const MAX_SUBJECT = 200;

/** One change of a series that is brought as a whole or not at all. */
export interface Fix {
  /** The name in reports: a commit's first 12 digits, a file's name, or the first path of a part. */
  readonly id: string;
  readonly subject: string;
  readonly cves: readonly string[];
  /** The commits that it is, here and upstream, with all 40 digits. */
  readonly commits: readonly string[];
  /** What it does to files: nothing for a cover letter or a merge. */
  readonly steps: readonly PatchStep[];
  /** The reason why its patch cannot be read. */
  readonly unreadable?: string;
}

/** A patch with the text in front of it, as Latin-1, so that every byte is preserved. */
export interface PatchMail {
  /** The name if the text does not say which commit it is. */
  readonly name: string;
  readonly text: string;
}

/** Reads a patch with its message. A patch that cannot be read is a fix, too: the report names it. */
export function fixOf({ name, text }: PatchMail): Fix {
  const start = /^(?:diff --git |Index: |--- .+\n\+\+\+ )/m.exec(text)?.index ?? text.length;
  const message = text.slice(0, start);
  const commits = commitsIn(message);
  const about = {
    id: commits.own?.slice(0, 12) ?? name,
    subject: shortened(subjectIn(message) ?? name),
    cves: cvesIn(message),
    commits: commits.all,
  };
  if (start === text.length) return { ...about, steps: [] };
  try {
    return { ...about, steps: patchSteps(text.slice(start)) };
  } catch (error) {
    if (!(error instanceof ParseError) && !(error instanceof RebootlessError && error.code === "limit"))
      throw error;
    return { ...about, steps: [], unreadable: error.message };
  }
}

/** Gives fixes that have the same ID different ones: "name", "name#2". @throws RebootlessError `limit`. */
export function withOwnIds(fixes: readonly Fix[]): readonly Fix[] {
  if (fixes.length > MAX_FIXES)
    throw new RebootlessError("limit", `the series has more than ${MAX_FIXES} fixes`);
  const seen = new Map<string, number>();
  return fixes.map((fix) => {
    const number = (seen.get(fix.id) ?? 0) + 1;
    seen.set(fix.id, number);
    return number === 1 ? fix : { ...fix, id: `${fix.id}#${number}` };
  });
}

/** Returns the CVE numbers that a text names, each once. */
export const cvesIn = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/\bCVE-\d{4}-\d{4,12}\b/g)].map(([cve]) => cve))].slice(0, MAX_NAMED);

/**
 * Finds the commits that a message is of: the mail's own one, and the one upstream, as the stable branches
 * ("commit … upstream.", "[ Upstream commit … ]") and git cherry-pick name it. A commit that is reverted or mended is
 * another one.
 */
function commitsIn(message: string): { readonly own: string | undefined; readonly all: readonly string[] } {
  const own = /^(?:From|commit) ([0-9a-f]{40})\b(?! upstream)/.exec(message)?.[1];
  const upstream = message.matchAll(
    /^\s*(?:commit ([0-9a-f]{40}) upstream\b|\[ Upstream commit ([0-9a-f]{40}) \]|\(cherry picked from commit ([0-9a-f]{40})\))/gm,
  );
  const named = [...upstream].flatMap(([, a, b, c]) => a ?? b ?? c ?? []);
  return { own, all: [...new Set([...(own === undefined ? [] : [own]), ...named])].slice(0, MAX_NAMED) };
}

/**
 * Returns the subject of a mail, of a commit as git prints it raw (its message is indented), or of a patch of Debian
 * (Description, DEP-3).
 */
function subjectIn(message: string): string | undefined {
  const header = /^(?:Subject|Description):[ \t]*(.*(?:\n[ \t]+.*)*)/m.exec(message)?.[1];
  const text = header ?? /^commit [0-9a-f]{40}[\s\S]*?\n\n {4}(.*)/.exec(message)?.[1];
  if (text === undefined) return undefined;
  const plain = decoded(text.replaceAll(/\s*\n\s+/g, " ")).replace(/^(?:\[[^\]]*\]\s*)+/, "");
  return plain.trim() === "" ? undefined : plain.trim();
}

/** Decodes a subject: words as in RFC 2047, and UTF-8 that was read as Latin-1. */
function decoded(text: string): string {
  const bytes = text
    .replaceAll(/\?=\s+=\?/g, "?==?")
    .replaceAll(/=\?utf-8\?([qb])\?([^?\s]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === "b"
        ? Buffer.from(word, "base64").toString("latin1")
        : word
            .replaceAll("_", " ")
            .replaceAll(/=([0-9A-F]{2})/gi, (__, digits: string) =>
              String.fromCharCode(Number.parseInt(digits, 16)),
            ),
    );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Shortens a subject to what a report shows, without control characters. */
function shortened(text: string): string {
  const plain = text.replaceAll(/\p{Cc}+/gu, " ");
  return plain.length <= MAX_SUBJECT ? plain : `${plain.slice(0, MAX_SUBJECT - 1)}…`;
}
