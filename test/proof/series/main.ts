import { join } from "node:path";
import { parseArgs } from "node:util";
import { Finished, sourcesDigest } from "../../support/finished.ts";
import { cacheDirectory, type Kernel, readProofKernels } from "../../support/guest/machine.ts";
import { COMMANDS, type Scene } from "./commands.ts";
import { onStage } from "./stage.ts";

/*
 * npm run proof:series -- [--kernel SERIES] [--anew]
 *
 * Boots one kernel of each series that Debian offers, and runs the host's commands on it with an update that was made for
 * it. What an earlier run with the same code has shown is not done again; --anew forgets it. The last line on stdout is
 * JSON; the exit code is 0 only if everything passed.
 */

interface Outcome {
  readonly command: string;
  /** Why it failed; null if it passed. */
  readonly failure: string | null;
}

const began = performance.now();

function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(7);
  process.stderr.write(`[${seconds} s] ${text}\n`);
}

const CODE = ["shared", "node", "client", "publisher", "test/proof/series"];

/** Boots a kernel and runs the commands on it. A kernel that does not come up is a failure like others. */
const commandsOn = (kernel: Kernel): Promise<readonly Outcome[]> =>
  onStage(kernel, (scene) => inOrder(kernel, scene)).catch((error: unknown) => [
    { command: "booting", failure: textOf(error) },
  ]);

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Runs the commands up to the first one that fails, as each needs what the one before left. */
async function inOrder(kernel: Kernel, scene: Scene): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, run } of COMMANDS) {
    const failure = await run(scene).then(() => null, textOf);
    say(`${kernel.version}: ${failure === null ? "passed" : "FAILED"} ${name}`);
    outcomes.push({ command: name, failure });
    if (failure !== null) break;
  }
  return outcomes;
}

/** Returns the first kernel of each series, the lowest series first. */
function oneOfEach(kernels: readonly Kernel[]): readonly Kernel[] {
  const first = new Map(kernels.toReversed().map((kernel) => [kernel.series, kernel]));
  return [...first.values()].sort((a, b) => a.series.localeCompare(b.series, "en", { numeric: true }));
}

const { values: options } = parseArgs({
  options: { kernel: { type: "string" }, anew: { type: "boolean", default: false } },
});
const kernels = oneOfEach(readProofKernels()).filter(({ series }) => (options.kernel ?? series) === series);
const finished = new Finished(join(cacheDirectory, "series.jsonl"), sourcesDigest(CODE), options.anew);
const failures: string[] = [];
let passed = 0;
for (const kernel of kernels) {
  say(`${kernel.version}: ${COMMANDS.length} commands`);
  const outcomes = await finished.resultOf(
    `${kernel.version}, ${COMMANDS.map(({ name }) => name).join(", ")}`,
    () => commandsOn(kernel),
    (all) => all.every(({ failure }) => failure === null),
  );
  for (const { command, failure } of outcomes) {
    if (failure === null) passed += 1;
    else failures.push(`${command} on ${kernel.version}: ${failure}`);
  }
}
for (const failure of failures) say(failure);
const series = kernels.map((kernel) => kernel.series);
const result = {
  series,
  kernels: kernels.map(({ version }) => version),
  passed,
  failed: failures.length,
  failures: failures.map((failure) => failure.split("\n", 1)[0]),
  seconds: Math.round((performance.now() - began) / 1000),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = kernels.length > 0 && failures.length === 0 ? 0 : 1;
