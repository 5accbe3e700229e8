import { counted } from "../../../shared/counted.ts";
import type { SourceTree } from "../source/source_tree.ts";
import type { UpdateContent, UpdateRefusal, UpdateReport, UpdateTools } from "../update.ts";
import { SeriesApplier } from "./apply_fixes.ts";
import type { Attempted, FixNumber } from "./faults.ts";
import type { Fix } from "./fix.ts";
import {
  type FixOutcome,
  keptOutcome,
  notAppliedOutcome,
  type SeriesReport,
  seriesReport,
} from "./outcomes.ts";
import type { Series } from "./read_series.ts";
import { remembered } from "./remembered.ts";
import { largestSafeSet, type WhyOut } from "./search.ts";
import { SeriesAttempts } from "./series_attempts.ts";

/**
 * The most attempts for a series. Most series take one for each level of halving; each takes some seconds, and as long
 * as its compilations.
 */
const MAX_ATTEMPTS = 160;

/** An update of the fixes of a series that can be made together, and what became of each. */
export interface SeriesContent extends UpdateContent {
  readonly series: SeriesReport;
}

/**
 * Makes one update of as many fixes of a series as one kernel can be given while it runs.
 * @param prepared prepares the source for compiling. It is called once it is known that a fix applies.
 * @throws ParseError. @throws RebootlessError `usage` if no fix applies; `limit`, `io`.
 */
export async function seriesUpdate(
  read: Series,
  source: SourceTree,
  fuzzy: boolean,
  prepared: () => Promise<UpdateTools>,
  progress: (line: string) => void,
): Promise<SeriesContent> {
  const { fixes } = read;
  progress(`applying ${fixes.length} fixes, one after the other`);
  const applier = new SeriesApplier(fixes, source.root, fuzzy);
  await applier.open();
  const placed = [...fixes.keys()].filter((fix) => applier.pathsOf(fix).length > 0);
  const { failed } = await applier.apply(placed);
  const candidates = placed.filter((fix) => !failed.has(fix));
  const { shipped, ...tools } = await prepared();
  let comparer: ReturnType<typeof shipped> | undefined;
  const makes = new SeriesAttempts(fixes, applier, {
    ...tools,
    thorough: true,
    shipped: () => {
      comparer ??= shipped().then(remembered);
      return comparer;
    },
  });
  const numbers = (some: readonly number[]): readonly number[] =>
    some.flatMap((index) => candidates[index] ?? []);
  const found = async (isExact: boolean) => {
    const attempt = async (some: readonly FixNumber[]) =>
      inCandidates(await makes.attempt(numbers(some), isExact), candidates);
    const safe = await largestSafeSet<UpdateRefusal>(candidates.length, attempt, MAX_ATTEMPTS);
    progress(`making ${counted(safe.kept.length, "fix", "fixes")}, with everything compiled that they reach`);
    return { safe, ...(await makes.make(numbers(safe.kept))) };
  };
  const first = await found(false);
  const { safe, content, applied, reaches } =
    first.content.report.outcome === "refused" ? await found(true) : first;
  const outcomeOf = (fix: Fix, number: number): FixOutcome => {
    if (fix.unreadable !== undefined) return refusedPatch(fix.id, fix.unreadable);
    const notApplied = failed.get(number);
    if (notApplied !== undefined) return notAppliedOutcome(notApplied);
    const index = candidates.indexOf(number);
    if (index < 0)
      return fix.steps.length === 0 ? { outcome: "not_built" } : { outcome: "not_here", output: [] };
    const out = safe.out.get(index);
    if (out !== undefined) return leftOutcome(out, (one) => fixes[candidates[one] ?? 0]?.id ?? "");
    return keptOutcome(applier.pathsOf(number), content.report, reaches);
  };
  const reports = fixes.map((fix, number) => {
    const { id, subject, cves, commits } = fix;
    return { id, subject, cves, commits, files: applier.pathsOf(number), ...outcomeOf(fix, number) };
  });
  const series = seriesReport(read, reports, safe.attempts);
  const report = { ...content.report, notes: [...applied.notes, ...content.report.notes] };
  return { ...content, report: withOutcome(report, series), series };
}

/** Returns what an attempt showed with the fixes counted among those that are searched. */
function inCandidates<R>({ stage, faults }: Attempted<R>, candidates: readonly FixNumber[]): Attempted<R> {
  const indexes = new Map(candidates.map((fix, index) => [fix, index]));
  return {
    stage,
    faults: faults.map((fault) => ({
      ...fault,
      suspects: fault.suspects.map((some) => some.flatMap((fix) => indexes.get(fix) ?? [])),
    })),
  };
}

function leftOutcome(out: WhyOut<UpdateRefusal>, idOf: (index: number) => string): FixOutcome {
  const refusals = out.reasons;
  if (out.kind === "needs") return { outcome: "left_out", because: out.fixes.map(idOf), refusals };
  return { outcome: out.kind, refusals };
}

const refusedPatch = (subject: string, reason: string): FixOutcome => ({
  outcome: "refused",
  refusals: [{ code: "unsupported", subject, reason, advice: "Give it as a unified diff without renames." }],
});

/** Refuses an update of nothing if there would be something to bring. */
const withOutcome = (report: UpdateReport, { fixes }: SeriesReport): UpdateReport =>
  report.outcome === "unchanged" && fixes.some(({ outcome }) => LEFT_OUT.has(outcome))
    ? { ...report, outcome: "refused" }
    : report;

const LEFT_OUT: ReadonlySet<string> = new Set(["refused", "left_out", "undecided"]);
