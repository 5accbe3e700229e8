import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Finished, sourcesDigest } from "../../support/finished.ts";
import {
  cacheDirectory,
  type Kernel,
  type KernelRole,
  readProofKernels,
} from "../../support/guest/machine.ts";
import { ACTIVITIES, TRACE_EVERYTHING } from "./activities.ts";
import { type ActivityResult, activeGuest, proveActivity } from "./activity_proof.ts";
import { CONFIGURATIONS, type Configuration } from "./configurations.ts";
import { inLanes } from "./lanes.ts";
import { MODULES } from "./loaded_modules.ts";
import { KernelModules, proveModules } from "./module_proof.ts";
import { observe } from "./observed.ts";
import { activityRow, bootRow, modulesRow, siteBitsRow } from "./table.ts";
import { Tally } from "./tally.ts";
import { type CodeResult, proveText } from "./text_proof.ts";
import { flipEverySiteBit } from "./unverifiable.ts";
import { fingerprintKernel, type WholeKernel } from "./whole_kernel.ts";
import { withGuest } from "./with_guest.ts";

/*
 * npm run proof:runpre -- [--quick | --full] [--kernel VERSION] [--only NAME] [--part boots|bits|activities]...
 *   [--flips COUNT] [--seed NUMBER] [--guests COUNT]
 *
 * boots       every kernel, one of each series in some more configurations, and each other configuration on one of three
 *             kernels (with --full on all three): all functions, and a share of the flips of single bits; in some
 *             configurations all functions of the modules that are loaded as well
 * bits        every bit of every site of those three, once
 * activities  patched, traced and probed kernels: exactly the functions that the guest lists are reported
 *
 * A table on stderr, a line of JSON on stdout; exit code 1 if anything is not as it should be. --only takes part of the
 * name of a configuration, --kernel part of a version; --quick takes a few configurations. What an earlier run with the
 * same code has shown is not done again; --anew forgets it.
 */

const PARTS = ["boots", "bits", "activities"] as const;
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    kernel: { type: "string", default: "" },
    only: { type: "string", default: "" },
    part: { type: "string", multiple: true, default: [...PARTS] },
    flips: { type: "string" },
    seed: { type: "string", default: "1" },
    guests: { type: "string", default: String(Math.min(2, availableParallelism())) },
    anew: { type: "boolean", default: false },
  },
});

const QUICK = new Set(["Haswell", "one processor", "mitigations=off", "retbleed=stuff on Skylake-Server"]);
const WITH_MODULES = new Set([
  "Haswell",
  "one processor",
  "mitigations=off",
  "retbleed=unret on EPYC",
  "retbleed=stuff on Skylake-Server",
]);
const MODULE_FLIPS = 1_000;
const FLIPS = Number(options.flips ?? (options.quick ? 2_000 : 100_000));
const has = (part: (typeof PARTS)[number]): boolean => options.part.includes(part);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** What makes fingerprints and compares them with memory, and this proof. */
const CODE = [
  "shared",
  "client/attached",
  "client/host",
  "client/verify",
  "publisher/fingerprint",
  "publisher/image",
  "publisher/module",
  "test/proof/runpre",
];
/** The newest kernels of two series that this machine's apt offers, and the newest of all. */
const PRINCIPAL: readonly KernelRole[] = ["newest", "primary", "secondary"];

const tally = new Tally();
const finished = new Finished(join(cacheDirectory, "runpre.jsonl"), sourcesDigest(CODE), options.anew);
const all = readProofKernels();
const kernels = all.filter(({ version }) => version.includes(options.kernel));
const boots = kernels.flatMap((kernel) =>
  configurationsOf(kernel).map((configuration) => ({ kernel, configuration })),
);
/** Of `boots`: where in them a share of the flips goes. */
const shareOf = (index: number): number =>
  Math.floor((FLIPS * (index + 1)) / boots.length) - Math.floor((FLIPS * index) / boots.length);

function configurationsOf(kernel: Kernel): readonly Configuration[] {
  return CONFIGURATIONS.filter(
    (configuration, index) =>
      isKnown(kernel, configuration) &&
      (isEverywhere(kernel, configuration) || hasItsTurn(kernel, configuration, index)) &&
      (!options.quick || QUICK.has(configuration.name)) &&
      configuration.name.includes(options.only),
  );
}

function isKnown({ series }: Kernel, { except = [] }: Configuration): boolean {
  return !except.includes(series);
}

function isEverywhere(kernel: Kernel, { everywhere }: Configuration): boolean {
  if (everywhere === "series") return all.find(({ series }) => series === kernel.series) === kernel;
  return everywhere === "kernels";
}

/** The kernels on which each configuration is tried that is not for all, in turn; those that do not know it are passed over. */
function hasItsTurn(kernel: Kernel, configuration: Configuration, index: number): boolean {
  const knowing = PRINCIPAL.filter((role) =>
    all.some((one) => one.role === role && isKnown(one, configuration)),
  );
  if (configuration.everywhere !== undefined) return false;
  if (options.full) return knowing.includes(kernel.role);
  return kernel.role === knowing[index % knowing.length];
}

function modulesAreTried(kernel: Kernel, { name }: Configuration): boolean {
  if (!kernel.hasModules) return false;
  return name === "Haswell" || (WITH_MODULES.has(name) && PRINCIPAL.includes(kernel.role));
}

function jobsOf(kernel: Kernel, whole: WholeKernel): readonly (() => Promise<void>)[] {
  const jobs: (() => Promise<void>)[] = [];
  const add = (what: string, part: () => Promise<void>): void => void jobs.push(counted(kernel, what, part));
  // The long ones first, so that no guest waits for them alone.
  // Modules can be built for kernels with headers only: one of each series.
  if (has("activities") && kernel.headers !== undefined) add("activities", () => activities(kernel, whole));
  if (has("bits") && PRINCIPAL.includes(kernel.role)) add("every bit", () => bits(kernel, whole));
  const known = new KernelModules(kernel);
  boots.forEach(({ kernel: booted, configuration }, index) => {
    if (booted !== kernel) return;
    const { name } = configuration;
    if (has("boots")) add(name, () => boot(kernel, whole, known, configuration, index));
  });
  return jobs;
}

/** A part that cannot be done is a failure, and the others go on. */
const counted =
  (kernel: Kernel, what: string, part: () => Promise<void>): (() => Promise<void>) =>
  () =>
    part().catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      tally.addFailure(`${kernel.version}, ${what}: ${text.split("\n", 1)[0]}`);
      say(`  FAILED ${what}: ${text}`);
    });

/** All of a kernel's text in one configuration, and the modules that are loaded there. */
async function boot(
  kernel: Kernel,
  whole: WholeKernel,
  known: KernelModules,
  configuration: Configuration,
  index: number,
): Promise<void> {
  const seed = Number(options.seed) + index;
  const flips = { count: shareOf(index), seed };
  const withModules = modulesAreTried(kernel, configuration);
  const result = await finished.resultOf(
    `boot ${kernel.version}, ${configuration.name}, ${flips.count} flips from ${seed}${withModules ? ", modules" : ""}`,
    () =>
      withGuest({ kernel, ...configuration, ...(withModules && { modules: MODULES }) }, async (guest) => ({
        text: await proveText(guest, whole, flips),
        modules: withModules
          ? await proveModules(guest, whole, known, { count: MODULE_FLIPS, seed })
          : undefined,
      })),
    ({ text, modules }) => isRight(text) && (modules === undefined || isRight(modules)),
  );
  tally.addBoot(result.text);
  say(bootRow(configuration.name, result.text));
  if (result.modules === undefined) return;
  tally.addModules(result.modules);
  say(modulesRow(configuration.name, result.modules));
}

const isRight = ({ found, missed }: CodeResult): boolean => found.length === 0 && missed.length === 0;

async function bits(kernel: Kernel, whole: WholeKernel): Promise<void> {
  const result = await finished.resultOf(
    `bits ${kernel.version}`,
    async () => {
      const { capture } = await withGuest({ kernel }, (guest) => observe(guest, whole));
      return await flipEverySiteBit(whole, capture);
    },
    ({ unverifiable }) => unverifiable.length === 0,
  );
  tally.addSiteBits(kernel.version, result);
  say(siteBitsRow(result));
}

async function activities(kernel: Kernel, whole: WholeKernel): Promise<void> {
  const results = await finished.resultOf(
    `activities ${kernel.version}`,
    async () =>
      await withGuest(await activeGuest(kernel), async (guest) => {
        const seen: ActivityResult[] = [];
        for (const activity of [...ACTIVITIES, TRACE_EVERYTHING])
          seen.push(await proveActivity(guest, whole, activity));
        return seen;
      }),
    (seen) => seen.every(({ unexpected, unreported }) => unexpected.length + unreported.length === 0),
  );
  for (const result of results) {
    tally.addActivity(result);
    say(activityRow(result));
  }
}

for (const kernel of kernels) {
  const whole = fingerprintKernel(kernel);
  say(`${kernel.version}: ${whole.functions.length} functions, ${whole.size} bytes of text`);
  for (const reason of whole.refused) say(`  refused: ${reason}`);
  tally.addKernel(kernel, whole.refused);
  await inLanes(jobsOf(kernel, whole), Number(options.guests));
}
process.stdout.write(`${JSON.stringify(tally)}\n`);
process.exitCode = tally.holds ? 0 : 1;
