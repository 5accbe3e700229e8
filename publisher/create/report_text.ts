import { explanationText } from "./explain/excerpt.ts";
import type { UnitReport, UpdateRefusal, UpdateReport } from "./update.ts";

/**
 * Formats the report for people: a paragraph for each source file, then what was left out, then the outcome.
 */
export function reportText(report: UpdateReport): readonly string[] {
  const { units, same, ignored, refusals, notes } = report;
  return [
    ...notes.map((note) => `note: ${note}`),
    ...units.flatMap(unitLines),
    ...refusals.flatMap(refusalLines),
    ...list("unchanged when compiled", same),
    ...list("not part of this kernel", ignored),
  ];
}

const OUTCOME = {
  patch: "can be applied live",
  unchanged: "no functional change",
  refused: "refused",
} as const;

function unitLines(unit: UnitReport): readonly string[] {
  return [
    `${unit.source} (${unit.object}): ${OUTCOME[unit.outcome]}`,
    ...list("changed", unit.changed),
    ...list("new", unit.added),
    ...list("dropped", unit.dropped),
    ...list("new, but nothing here uses it (is the patch complete?)", unit.unused),
    ...list("runs only at the start, so it has no effect now", unit.initOnly),
    ...unit.notes.map((note) => `  note: ${note}`),
    ...unit.refusals.flatMap(refusalLines).map((line) => `  ${line}`),
  ];
}

/** Formats a refusal. Lines of an advice after its first are code to paste. */
function refusalLines(refusal: UpdateRefusal): readonly string[] {
  const [first = "", ...code] = refusal.advice.split("\n");
  return [
    `refused: ${refusal.subject}: ${refusal.reason}`,
    ...("output" in refusal ? (refusal.output ?? []) : []).map((line) => `    ${line}`),
    `  what to do: ${first}`,
    ...code.map((line) => `      ${line}`),
    ...explanationText(refusal.explanation).map((line) => `    ${line}`),
  ];
}

/** The number of names that are shown of a list. The JSON report has the whole list. */
const SHOWN = 40;

function list(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return [`  ${what}: ${names.slice(0, SHOWN).join(", ")}${more}`];
}
