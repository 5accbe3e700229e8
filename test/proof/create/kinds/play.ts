import { reportText } from "../../../../publisher/create/report_text.ts";
import type { UpdateReport } from "../../../../publisher/create/update.ts";
import { parseSections } from "../../../../shared/elf/sections.ts";
import type { MadeModule, ModuleRunner, Trial } from "../guest/module_runner.ts";
import type { Workshop } from "../workshop.ts";
import type { Expected, Kind, Made } from "./kind.ts";

/** What was seen of one kind of change; no problems: it became what it must, in every order of loading. */
export interface Played {
  readonly kind: string;
  readonly problems: readonly string[];
}

/** The same of a change that was to become one module. */
export interface PlayedKind extends Played {
  /** True if a module was made. */
  readonly made: boolean;
  /** What became of the module, in each order of loading. */
  readonly trials: readonly Trial[];
}

/** Makes each change, and applies what is made to a booted kernel, looking before, during and after. `say` is told of each. */
export async function playKinds(
  workshop: Workshop,
  runner: ModuleRunner,
  kinds: readonly Kind[],
  say: (line: string) => void,
): Promise<readonly PlayedKind[]> {
  const all: PlayedKind[] = [];
  const tables = await workshop.objtoolTables();
  for (const kind of kinds) {
    const played = await play(workshop, runner, kind, tables).catch((error: unknown) =>
      wrong([String(error)]),
    );
    const { problems } = played;
    all.push({ kind: kind.kind, ...played });
    say(`${kind.kind}: ${problems.length === 0 ? outcomeOf(kind.expected) : "WRONG"}`);
    for (const problem of problems) say(`  ${problem.replaceAll("\n", "\n  ")}`);
  }
  return all;
}

/** What was not made. */
const wrong = (problems: readonly string[]): Omit<PlayedKind, "kind"> => ({
  problems,
  made: false,
  trials: [],
});

function outcomeOf(expected: Expected): string {
  if (expected.outcome === "refused") return `refused: ${expected.code}`;
  if (expected.outcome === "unchanged") return "unchanged";
  return expected.observe === undefined
    ? "made, loaded and undone"
    : "seen while it was applied, and not before or after";
}

async function play(
  workshop: Workshop,
  runner: ModuleRunner,
  kind: Kind,
  tables: readonly string[],
): Promise<Omit<PlayedKind, "kind">> {
  const { changes, hooks, layoutOk = [], expected } = kind;
  const files = await workshop.rewritten(changes);
  const { report, module } = await workshop.make(`kind_${kind.kind}`, files, {
    hooks: hooks?.join("\n"),
    layoutOk,
  });
  const unexpected = unexpectedIn(report, expected);
  if (unexpected.length > 0) return wrong([...unexpected, ...reportText(report)]);
  if (expected.outcome !== "made" || module === undefined) return wrong([]);
  const lacking = lackingTables(module, tables);
  if (lacking.length > 0) return { ...wrong([`the module lacks ${lacking.join(", ")}`]), made: true };
  const trials = await runner.try({ ...module, ...(expected.observe && { observe: expected.observe }) });
  return { problems: trials.flatMap((trial) => problemsOf(expected, trial)), made: true, trials };
}

function unexpectedIn(report: UpdateReport, expected: Expected): readonly string[] {
  const refusals = [...report.refusals, ...report.units.flatMap((unit) => unit.refusals)];
  const codes = refusals.map(({ code }) => String(code));
  const whole = (name: string): string => name.replace(/\.cold$/, "");
  const changed = report.units.flatMap((unit) => [...new Set(unit.changed.map(whole))]).sort();
  const text = reportText(report).join("\n");
  return [
    ...(report.outcome === expected.outcome ? [] : [`${report.outcome}, not ${expected.outcome}`]),
    ...(expected.outcome !== "refused" || codes.includes(expected.code)
      ? []
      : [`not refused as ${expected.code}: ${codes.join(" ")}`]),
    ...(expected.outcome !== "made" ||
    expected.replaces === undefined ||
    `${changed}` === `${expected.replaces}`
      ? []
      : [`it replaces ${changed.join(" ")}, not ${expected.replaces.join(" ")}`]),
    ...(expected.says === undefined || expected.says.test(text)
      ? []
      : [`the report does not say ${expected.says}`]),
  ];
}

/** The tables that objtool wrote for the distribution's own modules and that the made module does not have. */
function lackingTables({ bytes }: MadeModule, tables: readonly string[]): readonly string[] {
  const own = new Set(parseSections(bytes).map(({ name }) => name));
  return tables.filter((name) => !own.has(name));
}

function problemsOf({ during }: Made, { seen, problems, loaded, undone }: Trial): readonly string[] {
  const unseen = (when: "before" | "during" | "after", isExpected: boolean): readonly string[] =>
    during === undefined || during.test(seen[when] ?? "") === isExpected
      ? []
      : [`${when}: ${JSON.stringify(seen[when])}`];
  return [
    ...problems,
    ...(loaded && undone ? [] : ["it was not loaded and undone"]),
    ...unseen("before", false),
    ...unseen("during", true),
    ...unseen("after", false),
  ];
}
