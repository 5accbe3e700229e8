import { tokensOf } from "../layout/c_text.ts";
import type { FileChange } from "../source/apply_patch.ts";
import type { UnitPair } from "../unit_pair.ts";
import type { UnitReport, UpdateRefusal, UpdateReport } from "../update.ts";
import { changedLines } from "./changed_lines.ts";
import { findDefinition } from "./definition.ts";
import { cutOut, type SourceExcerpt, type SourceExplanation } from "./excerpt.ts";
import { realLines } from "./real_lines.ts";

/** The most bytes of a file that is looked through. The kernel's largest .c file has less than 1 MB. */
const MAX_EXPLAINED_BYTES = 4 << 20;

/** A file of the source, as the patch leaves it. */
interface ExplainedFile {
  readonly path: string;
  readonly text: string;
  /** The change, if the patch changes this file. */
  readonly change: FileChange | undefined;
}

/** Adds to each refusal of a report the lines of the source that it is about. */
export async function explainRefusals(
  report: UpdateReport,
  changes: readonly FileChange[],
  pairs: readonly UnitPair[],
): Promise<UpdateReport> {
  const files = explainedFiles(changes, pairs);
  const explained = async (refusals: readonly UpdateRefusal[], source?: string): Promise<UpdateRefusal[]> => {
    const done: UpdateRefusal[] = [];
    for (const refusal of refusals)
      done.push({ ...refusal, explanation: await linesOf(refusal, source, files) });
    return done;
  };
  const units: UnitReport[] = [];
  for (const unit of report.units)
    units.push({ ...unit, refusals: await explained(unit.refusals, unit.source) });
  return { ...report, refusals: await explained(report.refusals), units };
}

function explainedFiles(
  changes: readonly FileChange[],
  pairs: readonly UnitPair[],
): ReadonlyMap<string, ExplainedFile> {
  const files = new Map<string, ExplainedFile>();
  for (const { source, sourceAfter } of pairs)
    files.set(source, { path: source, text: sourceAfter, change: undefined });
  for (const change of changes)
    files.set(change.path, { path: change.path, text: change.after ?? change.before ?? "", change });
  return files;
}

async function linesOf(
  refusal: UpdateRefusal,
  source: string | undefined,
  files: ReadonlyMap<string, ExplainedFile>,
): Promise<SourceExplanation> {
  const own = files.get(refusal.subject);
  if (own !== undefined) {
    const errors = "output" in refusal ? errorLines(refusal.output ?? [], files) : [];
    if (errors.length > 0) return { kind: "found", excerpts: errors };
    const changed = await changedLines(own.change);
    if (changed.length > 0) return { kind: "found", excerpts: [excerptOf(own, changed)] };
    return { kind: "unknown", why: `the patch changes no line of ${own.path} that stays in it` };
  }
  const names = "symbols" in refusal ? (refusal.symbols ?? []).slice(0, 3) : [refusal.subject];
  const excerpts: SourceExcerpt[] = [];
  const other = "other" in refusal ? refusal.other : undefined;
  for (const name of names) {
    const excerpt = await excerptAbout(wordsOf(name), other, source, files);
    if (excerpt !== undefined) excerpts.push(excerpt);
  }
  if (excerpts.length > 0) return { kind: "found", excerpts };
  const where = source ?? "the files that the patch changes";
  return {
    kind: "unknown",
    why: `the text of ${where} does not have its name: a macro or another header makes it`,
  };
}

/** Returns the names by which the source may have a symbol, which compilers and macros make longer. */
function wordsOf(name: string): readonly string[] {
  const stem = /^(?:struct|union|enum) /.test(name) ? name : name.replace(/\..*$/, "");
  const call = /^__(?:x64|ia32|do|se)_(?:compat_)?sys_(\w+)$/.exec(stem)?.[1];
  const constant = /^enum \{ (\w+) \}$/.exec(name)?.[1];
  return [stem, ...(call === undefined ? [] : [call]), ...(constant === undefined ? [] : [constant])];
}

/** @param other a name whose uses in the definition are meant, too. */
async function excerptAbout(
  names: readonly string[],
  other: string | undefined,
  source: string | undefined,
  files: ReadonlyMap<string, ExplainedFile>,
): Promise<SourceExcerpt | undefined> {
  const unit = source === undefined ? undefined : files.get(source);
  const order = [...(unit === undefined ? [] : [unit]), ...[...files.values()].filter((one) => one !== unit)];
  for (const kind of ["defined", "mentioned"] as const) {
    for (const file of order) {
      const present = names.filter((name) => file.text.includes(name.replace(/^\w+ /, "")));
      if (file.text.length > MAX_EXPLAINED_BYTES || present.length === 0) continue;
      const lines = file.text.split("\n");
      const tokens = tokensOf(file.text);
      for (const name of present) {
        const found = findDefinition(tokens, lines, name);
        if (found?.kind !== kind) continue;
        const isWithin = (line: number): boolean => line >= found.from && line <= found.to;
        const uses = tokens.filter(({ text, line }) => text === other && isWithin(line));
        const meant = uses.length > 0 ? uses.map(({ line }) => line) : await changedLines(file.change);
        return excerptOf(file, [found.at, ...meant.filter(isWithin)]);
      }
    }
  }
  return undefined;
}

const excerptOf = ({ path, text, change }: ExplainedFile, meant: readonly number[]): SourceExcerpt =>
  cutOut(path, change?.after !== undefined, text.split("\n"), meant);

/** Returns the lines of which a compiler complains: "fs/file.c:120:4: error: …". */
function errorLines(
  output: readonly string[],
  files: ReadonlyMap<string, ExplainedFile>,
): readonly SourceExcerpt[] {
  const byFile = new Map<ExplainedFile, number[]>();
  for (const message of output) {
    const [, path = "", number = ""] = /(?:^|\s)(\S+?):(\d+)(?::\d+)?: (?:fatal )?error:/.exec(message) ?? [];
    const file = [...files.values()].find((one) => path === one.path || path.endsWith(`/${one.path}`));
    if (file === undefined) continue;
    const lines = realLines(file.change, Number(number));
    byFile.set(file, [...(byFile.get(file) ?? []), ...lines]);
  }
  return [...byFile].map(([file, lines]) => excerptOf(file, lines));
}
