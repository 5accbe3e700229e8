import { objectOf } from "../source/affected.ts";
import type { Reaches } from "../source/reach.ts";
import type { UpdateRefusal, UpdateReport } from "../update.ts";
import type { NotApplied } from "./apply_fixes.ts";
import type { Fix } from "./fix.ts";

/** What became of a fix. */
export type FixOutcome =
  /** It is in the update. `atStart` if it also changes code that only runs at the start. */
  | { readonly outcome: "live"; readonly atStart: boolean }
  /** It changes nothing but code that has run already. */
  | { readonly outcome: "at_start" }
  /** It does not apply to this kernel's source. */
  | { readonly outcome: "not_here"; readonly output: readonly string[] }
  | { readonly outcome: "already_in" }
  /** This configuration does not compile what it changes. */
  | { readonly outcome: "not_built" }
  /** What it changes compiles to the same code. */
  | { readonly outcome: "same_code" }
  | { readonly outcome: "refused"; readonly refusals: readonly UpdateRefusal[] }
  /** It needs these fixes, which are not in the update. */
  | {
      readonly outcome: "left_out";
      readonly because: readonly string[];
      readonly refusals: readonly UpdateRefusal[];
    }
  /** It may be to blame for a refusal, and the attempts were used up. */
  | { readonly outcome: "undecided"; readonly refusals: readonly UpdateRefusal[] };

/** What the report says of a fix. */
export type FixReport = Pick<Fix, "id" | "subject" | "cves" | "commits"> & {
  readonly files: readonly string[];
} & FixOutcome;

export type OutcomeWord = FixOutcome["outcome"];

/** What became of a CVE: the worst of its fixes. */
export interface CveReport {
  readonly cve: string;
  readonly outcome: OutcomeWord;
  readonly fixes: readonly string[];
}

/** The report on a series of fixes for one kernel. */
export interface SeriesReport {
  readonly name: string;
  readonly fixes: readonly FixReport[];
  readonly cves: readonly CveReport[];
  /** The CVEs that the distribution's changelog names for the step. It does not say which fixes they are. */
  readonly named: readonly string[];
  /** True if nothing that changes code was left out, so that the kernel has every fix of the series. */
  readonly complete: boolean;
  /** The number of updates that were tried. */
  readonly attempts: number;
}

/** The outcomes, those first that matter most to a person. */
export const OUTCOMES = [
  "refused",
  "left_out",
  "undecided",
  "at_start",
  "not_here",
  "live",
  "already_in",
  "same_code",
  "not_built",
] as const satisfies readonly OutcomeWord[];

/** Returns what became of a fix that is in the update. */
export function keptOutcome(
  paths: readonly string[],
  { units, ignored }: UpdateReport,
  reaches: Reaches,
): FixOutcome {
  const own = units.filter(({ source }) =>
    paths.some((path) => path === source || reaches(path, objectOf(source))),
  );
  const atStart = own.some(({ initOnly }) => initOnly.length > 0);
  if (own.some(({ outcome }) => outcome === "patch")) return { outcome: "live", atStart };
  if (atStart) return { outcome: "at_start" };
  return { outcome: paths.every((path) => ignored.includes(path)) ? "not_built" : "same_code" };
}

export const notAppliedOutcome = ({ isIn, output }: NotApplied): FixOutcome =>
  isIn ? { outcome: "already_in" } : { outcome: "not_here", output };

/** Puts together what became of each fix. */
export function seriesReport(
  { name, named = [] }: { readonly name: string; readonly named?: readonly string[] | undefined },
  fixes: readonly FixReport[],
  attempts: number,
): SeriesReport {
  const byCve = new Map<string, FixReport[]>();
  for (const fix of fixes) for (const cve of fix.cves) byCve.set(cve, [...(byCve.get(cve) ?? []), fix]);
  const cves = [...byCve].map(([cve, its]) => ({
    cve,
    outcome: OUTCOMES.find((word) => its.some(({ outcome }) => outcome === word)) ?? "undecided",
    fixes: its.map(({ id }) => id),
  }));
  return {
    name,
    named,
    fixes,
    cves: cves.sort((a, b) => (a.cve < b.cve ? -1 : 1)),
    complete: fixes.every(isWhole),
    attempts,
  };
}

/** Reports whether a running kernel lacks nothing of a fix. */
export const isWhole = (fix: FixReport): boolean =>
  fix.outcome === "live"
    ? !fix.atStart
    : fix.outcome === "already_in" || fix.outcome === "not_built" || fix.outcome === "same_code";

/**
 * Returns the CVEs that the update fixes: all of their fixes are live, or in the kernel already, and one is live. If
 * nothing was left out, those that the changelog names are among them.
 */
export const liveCves = ({ cves, fixes, named, complete }: SeriesReport): readonly string[] => {
  const whole = new Set(fixes.filter(isWhole).map(({ id }) => id));
  const live = cves.filter(
    ({ outcome, fixes: ids }) => outcome === "live" && ids.every((id) => whole.has(id)),
  );
  return [...new Set([...live.map(({ cve }) => cve), ...(complete ? named : [])])];
};
