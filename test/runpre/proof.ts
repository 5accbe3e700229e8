import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { type Kernel, readProofKernels } from "../guest/machine.ts";
import { ACTIVITIES, TRACE_EVERYTHING } from "./activities.ts";
import { bootActive, proveActivity } from "./activity_proof.ts";
import { bootAnew, captureOf, proveBoot } from "./boot_proof.ts";
import { CONFIGURATIONS, type Configuration } from "./configurations.ts";
import { inLanes } from "./lanes.ts";
import { activityRow, bootRow, siteBitsRow } from "./table.ts";
import { Tally } from "./tally.ts";
import { flipEverySiteBit } from "./unverifiable.ts";
import { fingerprintKernel, type WholeKernel } from "./whole_kernel.ts";

/*
 * npm run proof:runpre -- [--quick] [--kernel VERSION] [--only NAME] [--part boots|bits|activities]...
 *   [--flips COUNT] [--seed NUMBER] [--guests COUNT]
 *
 * boots       every kernel in every configuration: all of its functions, and a share of the flips of single bits
 * bits        every bit of every site of each kernel, once
 * activities  patched, traced and probed kernels: exactly the functions that the guest lists are reported
 *
 * A table on stderr, a line of JSON on stdout; exit code 1 if anything is not as it should be. --only takes part of the
 * name of a configuration, --kernel part of a version; --quick takes a few configurations.
 */

const PARTS = ["boots", "bits", "activities"] as const;
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    kernel: { type: "string", default: "" },
    only: { type: "string", default: "" },
    part: { type: "string", multiple: true, default: [...PARTS] },
    flips: { type: "string" },
    seed: { type: "string", default: "1" },
    guests: { type: "string", default: String(Math.min(2, availableParallelism())) },
  },
});

const QUICK = new Set(["Haswell", "one processor", "mitigations=off", "retbleed=stuff on Skylake-Server"]);
const FLIPS = Number(options.flips ?? (options.quick ? 2_000 : 100_000));
const has = (part: (typeof PARTS)[number]): boolean => options.part.includes(part);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const tally = new Tally();
const kernels = readProofKernels().filter(({ version }) => version.includes(options.kernel));
const boots = kernels.flatMap((kernel) =>
  configurationsOf(kernel).map((configuration) => ({ kernel, configuration })),
);
/** Of `boots`: where in them a share of the flips goes. */
const shareOf = (index: number): number =>
  Math.floor((FLIPS * (index + 1)) / boots.length) - Math.floor((FLIPS * index) / boots.length);

function configurationsOf(kernel: Kernel): readonly Configuration[] {
  if (!has("boots")) return [];
  return CONFIGURATIONS.filter(
    ({ name, only }) =>
      (only === undefined || kernel.series === only) &&
      (!options.quick || QUICK.has(name)) &&
      name.includes(options.only),
  );
}

function jobsOf(kernel: Kernel, whole: WholeKernel): readonly (() => Promise<void>)[] {
  const jobs = boots.flatMap(({ kernel: booted, configuration }, index) =>
    booted === kernel ? [() => boot(kernel, whole, configuration, index)] : [],
  );
  // The long ones first, so that no guest waits for them alone.
  if (has("bits")) jobs.unshift(() => bits(kernel, whole));
  // Modules can be built for kernels with headers only: one of each series.
  if (has("activities") && kernel.headers !== undefined) jobs.unshift(() => activities(kernel, whole));
  return jobs;
}

async function boot(
  kernel: Kernel,
  whole: WholeKernel,
  configuration: Configuration,
  index: number,
): Promise<void> {
  const flips = { count: shareOf(index), seed: Number(options.seed) + index };
  const result = await proveBoot(kernel, whole, configuration, flips);
  tally.addBoot(result);
  say(bootRow(configuration.name, result));
}

async function bits(kernel: Kernel, whole: WholeKernel): Promise<void> {
  const result = await flipEverySiteBit(whole, await captureOf(kernel));
  tally.addSiteBits(kernel.version, result);
  say(siteBitsRow(result));
}

async function activities(kernel: Kernel, whole: WholeKernel): Promise<void> {
  const guest = await bootAnew(() => bootActive(kernel));
  try {
    for (const activity of [...ACTIVITIES, TRACE_EVERYTHING]) {
      const result = await proveActivity(guest, whole, activity);
      tally.addActivity(result);
      say(activityRow(result));
    }
  } finally {
    await guest.close();
  }
}

for (const kernel of kernels) {
  const whole = fingerprintKernel(kernel);
  say(`${kernel.version}: ${whole.functions.length} functions, ${whole.size} bytes of text`);
  await inLanes(jobsOf(kernel, whole), Number(options.guests));
}
process.stdout.write(`${JSON.stringify(tally)}\n`);
process.exitCode = tally.holds ? 0 : 1;
