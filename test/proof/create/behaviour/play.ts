import type { ModuleRunner, Trial } from "../guest/module_runner.ts";
import type { Workshop } from "../workshop.ts";
import { edited } from "./edit.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

/** What was seen of one scenario; no problems: it did what it should, in every order of loading. */
export interface Played {
  readonly kind: string;
  readonly problems: readonly string[];
}

/** Makes each change, applies it to a booted kernel, and looks before, during and after. `say` is told of each. */
export async function playScenarios(
  workshop: Workshop,
  runner: ModuleRunner,
  say: (line: string) => void,
): Promise<readonly Played[]> {
  const all: Played[] = [];
  for (const scenario of SCENARIOS) {
    const problems = await play(workshop, runner, scenario).catch((error: unknown) => [String(error)]);
    all.push({ kind: scenario.kind, problems });
    say(`${scenario.kind} (${scenario.source}): ${problems.length === 0 ? seenAs(scenario) : "FAILED"}`);
    for (const problem of problems) say(`  ${problem.replaceAll("\n", "\n  ")}`);
  }
  return all;
}

const seenAs = ({ refused }: Scenario): string =>
  refused === undefined ? "seen while it was applied, and not before or after" : `refused: ${refused}`;

async function play(
  workshop: Workshop,
  runner: ModuleRunner,
  scenario: Scenario,
): Promise<readonly string[]> {
  const { kind, source, edits, observe, refused, hooks } = scenario;
  const changes = await workshop.rewritten(source, (text) => edited(text, edits));
  const { report, module } = await workshop.make(`behaviour_${kind}`, changes, hooks?.join("\n"));
  const codes = report.units.flatMap(({ refusals }) => refusals.map(({ code }) => code));
  if (refused !== undefined) {
    return module === undefined && codes.includes(refused as (typeof codes)[number])
      ? []
      : [`not refused for ${refused}: ${report.outcome} ${codes.join(" ")}`];
  }
  if (module === undefined) return [`not made: ${JSON.stringify(report.units)}`];
  const trials = await runner.try({ ...module, observe });
  return trials.flatMap((trial) => problemsOf(scenario, trial));
}

function problemsOf({ during }: Scenario, { seen, problems, loaded, undone }: Trial): readonly string[] {
  const wrong = (when: "before" | "during" | "after", expected: boolean): readonly string[] =>
    during.test(seen[when] ?? "") === expected ? [] : [`${when}: ${JSON.stringify(seen[when])}`];
  return [
    ...problems,
    ...(loaded && undone ? [] : ["it was not loaded and undone"]),
    ...wrong("before", false),
    ...wrong("during", true),
    ...wrong("after", false),
  ];
}
