import { counted } from "../../../shared/counted.ts";
import { groupBy } from "../../../shared/group_by.ts";
import type { UpdateRefusal } from "../update.ts";
import { type FixReport, OUTCOMES, type OutcomeWord, type SeriesReport } from "./outcomes.ts";

/** What each outcome is called in a report. */
export const OUTCOME_WORDS: Readonly<Record<OutcomeWord, string>> = {
  refused: "refused",
  left_out: "left out, because a fix that it needs is",
  undecided: "left out, because the attempts to find the culprit of a refusal were used up",
  at_start: "only at the start: the changed code has run already",
  not_here: "not of this kernel: does not apply to its source",
  live: "live",
  already_in: "in this kernel already",
  same_code: "no functional change",
  not_built: "not built in this configuration",
};

/** The number of fixes that are listed for an outcome with nothing to act on. The JSON report lists all. */
const SHOWN = 40;

/** Formats the report on a series: what a person has to act on first, then what was brought, then the rest. */
export function seriesText(report: SeriesReport): readonly string[] {
  const byOutcome = groupBy(report.fixes, ({ outcome }) => outcome);
  return [
    `series ${report.name}: ${counted(report.fixes.length, "fix", "fixes")}`,
    ...OUTCOMES.flatMap((word) => linesOf(word, byOutcome.get(word) ?? [])),
    ...report.cves.map(
      ({ cve, outcome, fixes }) => `${cve}: ${OUTCOME_WORDS[outcome]} (${fixes.join(", ")})`,
    ),
    ...namedLines(report),
    report.complete
      ? "complete: nothing that changes code was left out"
      : "not complete: something that changes code was left out, so --effective cannot be said of this update",
  ];
}

function linesOf(word: OutcomeWord, fixes: readonly FixReport[]): readonly string[] {
  if (fixes.length === 0) return [];
  const isToActOn = OUTCOMES.indexOf(word) < OUTCOMES.indexOf("at_start");
  const shown = isToActOn ? fixes : fixes.slice(0, SHOWN);
  const more = fixes.length - shown.length;
  return [
    `${OUTCOME_WORDS[word]}: ${fixes.length}`,
    ...shown.flatMap(fixLines),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function fixLines(fix: FixReport): readonly string[] {
  const cves = fix.cves.length === 0 ? "" : ` (${fix.cves.join(", ")})`;
  const name = fix.subject === fix.id ? fix.id : `${fix.id} ${fix.subject}`;
  const refusals = "refusals" in fix ? fix.refusals : [];
  return [
    `  ${name}${cves}`,
    ...(fix.outcome === "left_out" ? [`    needs ${fix.because.join(", ")}`] : []),
    ...(fix.outcome === "live" && fix.atStart ? ["    and changes code that only runs at the start"] : []),
    ...refusals.flatMap(refusedLines),
  ];
}

/** Formats a refusal, with the first error of a compiler. report.json has all of its messages. */
function refusedLines(refusal: UpdateRefusal): readonly string[] {
  const output = ("output" in refusal ? refusal.output : undefined) ?? [];
  const error = output.find((line) => /\berror:|FAILED/.test(line)) ?? output[0];
  return [
    `    ${refusal.subject}: ${refusal.reason}`,
    ...(error === undefined ? [] : [`      ${error}`]),
    `      what to do: ${refusal.advice.split("\n")[0]}`,
  ];
}

function namedLines({ named, complete }: SeriesReport): readonly string[] {
  if (named.length === 0) return [];
  const what = complete ? "nothing of them is missing" : "it does not say which fixes they are";
  const more = named.length > SHOWN ? ` and ${named.length - SHOWN} more` : "";
  return [
    `the changelog names ${counted(named.length, "CVE")}, and ${what}: ${named.slice(0, SHOWN).join(", ")}${more}`,
  ];
}
