import { parseArgs } from "node:util";
import { type Kernel, readKernels } from "../../support/guest/machine.ts";
import type { Host } from "./host.ts";
import { randomFrom } from "./random.ts";
import { play, type Scenario } from "./scenario.ts";
import { diamondOfUpdates } from "./scenarios/diamond.ts";
import { fullDisk } from "./scenarios/full_disk.ts";
import { killedClient } from "./scenarios/killed_client.ts";
import { kspliceUpdates } from "./scenarios/ksplice.ts";
import { partial } from "./scenarios/partial.ts";
import { pulledPower } from "./scenarios/pulled_power.ts";
import { stalledTransition } from "./scenarios/stalled_transition.ts";
import { twoClients } from "./scenarios/two_clients.ts";
import { openStage } from "./stage.ts";

/*
 * tsx main.ts [--kernel SERIES] [--seed NUMBER] [SCENARIO...]
 *
 * What the client promises when things go wrong, on each kernel that the distribution has headers for. The last line on
 * stdout is JSON; the exit code is 0 only if every scenario passed on every kernel.
 */

const SCENARIOS: readonly Scenario[] = [
  diamondOfUpdates,
  partial,
  kspliceUpdates,
  stalledTransition,
  twoClients,
  fullDisk,
  killedClient,
  pulledPower,
];

const began = performance.now();

function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(7);
  process.stderr.write(`[${seconds} s] ${text}\n`);
}

interface Verdict {
  readonly kernel: string;
  readonly scenario: string;
  readonly passed: boolean;
}

/** Each on the machine that the one before left, as long as that is well. */
async function proveOn(kernel: Kernel, scenarios: readonly Scenario[], seed: number): Promise<Verdict[]> {
  const progress = (text: string) => say(`${kernel.series}: ${text}`);
  const stage = await openStage({ kernel, random: randomFrom(seed), progress });
  const verdicts: Verdict[] = [];
  let host: Host | undefined;
  try {
    for (const scenario of scenarios) {
      const start = performance.now();
      try {
        host ??= await stage.boot();
        await play(scenario, stage, host);
        progress(`passed ${scenario.name} in ${Math.round((performance.now() - start) / 1000)} s`);
        verdicts.push({ kernel: kernel.version, scenario: scenario.name, passed: true });
      } catch (error) {
        progress(`FAILED ${scenario.name}: ${error instanceof Error ? error.stack : String(error)}`);
        verdicts.push({ kernel: kernel.version, scenario: scenario.name, passed: false });
        await host?.guest.close();
        host = undefined;
      }
    }
  } finally {
    await host?.guest.close();
    await stage.close();
  }
  return verdicts;
}

function choose(names: readonly string[]): readonly Scenario[] {
  const unknown = names.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new Error(`no scenario is called ${unknown}`);
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { kernel: { type: "string" }, seed: { type: "string", default: "1" } },
});
const kernels = readKernels().filter(
  ({ series, headers }) => headers !== undefined && (values.kernel ?? series) === series,
);
const scenarios = choose(positionals);
const seed = Number(values.seed);
const verdicts = (await Promise.all(kernels.map((kernel) => proveOn(kernel, scenarios, seed)))).flat();
const passed = verdicts.filter((verdict) => verdict.passed).length;
const failed = verdicts.filter((verdict) => !verdict.passed);
process.stdout.write(
  `${JSON.stringify({
    scenarios: verdicts.length,
    passed,
    failed: failed.length,
    kernels: kernels.map(({ version }) => version),
    failures: failed.map(({ kernel, scenario }) => `${scenario} on ${kernel}`),
    seed,
    seconds: Math.round((performance.now() - began) / 1000),
  })}\n`,
);
process.exitCode = verdicts.length > 0 && failed.length === 0 ? 0 : 1;
