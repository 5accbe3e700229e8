import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { bootGuest, type Guest } from "../guest/guest.ts";
import { type Kernel, readKernels } from "../guest/machine.ts";
import { type Capture, captureText } from "./capture.ts";
import { CONFIGURATIONS, type Configuration } from "./configurations.ts";
import { flipBits, type Missed, seeded } from "./flips.ts";
import {
  causeOf,
  checkerOf,
  fingerprintKernel,
  type Mismatch,
  mismatches,
  type WholeKernel,
} from "./whole_kernel.ts";

/*
 * node --import tsx test/runpre/proof.ts [--quick] [--only NAME] [--flips COUNT] [--seed NUMBER]
 *
 * Boots every kernel of this machine in every configuration and checks all of its functions; then changes single bits
 * and sees whether each is found. A table on stderr, a line of JSON on stdout; exit code 1 if anything is not as it
 * should be.
 */

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    flips: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});

const QUICK = new Set(["Haswell", "one processor", "mitigations=off", "retbleed=stuff on Skylake-Server"]);
const FLIPS = Number(options.flips ?? (options.quick ? 2_000 : 100_000));
/** Code changes while a machine settles: what differs must differ again. */
const READINGS = 3;
const SETTLE_MS = 2_000;

const totals = { configurations: 0, functions: 0, mismatches: 0, flips: 0, missed: 0 };
const random = seeded(Number(options.seed));
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A third kernel shows that nothing depends on the build: that takes no more than the quick ones. */
const isWanted = (kernel: Kernel, { name, only }: Configuration): boolean =>
  (only === undefined || kernel.series === only) &&
  ((!options.quick && kernel.role !== "other") || QUICK.has(name)) &&
  name.includes(options.only);

async function prove(kernel: Kernel): Promise<void> {
  const configurations = CONFIGURATIONS.filter((configuration) => isWanted(kernel, configuration));
  if (configurations.length === 0) return;
  const whole = fingerprintKernel(kernel);
  say(`${kernel.version}: ${whole.functions.length} functions, ${whole.size} bytes of text`);
  // As many flips in each configuration, over all kernels.
  const share = Math.ceil(FLIPS / wantedCount());
  for (const configuration of configurations) await proveOne(kernel, whole, configuration, share);
}

const wantedCount = (): number =>
  readKernels().reduce((sum, kernel) => sum + CONFIGURATIONS.filter((c) => isWanted(kernel, c)).length, 0);

async function proveOne(
  kernel: Kernel,
  whole: WholeKernel,
  configuration: Configuration,
  flips: number,
): Promise<void> {
  const { name } = configuration;
  const guest = await boot(kernel, configuration);
  let capture: Capture;
  let found: readonly Mismatch[];
  try {
    ({ capture, found } = await checkGuest(guest, whole));
  } finally {
    await guest.close();
  }
  const missed = flipBits(whole, capture, flips, random);
  totals.configurations += 1;
  totals.functions += whole.functions.length;
  totals.mismatches += found.length;
  totals.flips += flips;
  totals.missed += missed.length;
  report(name, whole.functions.length, found, flips, missed);
}

/** Emulated processors sometimes stumble over code that is rewritten under them, and the guest does not come up. */
async function boot(kernel: Kernel, { cpu, smp, append, name }: Configuration, tries = 3): Promise<Guest> {
  try {
    return await bootGuest({ kernel, cpu, smp, append });
  } catch (error) {
    if (tries === 1) throw error;
    say(`    ${name}: the guest did not come up; once more`);
    return await boot(kernel, { cpu, smp, append, name }, tries - 1);
  }
}

async function checkGuest(
  guest: Guest,
  whole: WholeKernel,
): Promise<{ capture: Capture; found: readonly Mismatch[] }> {
  let capture = await captureText(guest);
  let found = mismatches(checkerOf(whole, capture), whole.functions);
  for (let reading = 1; reading < READINGS && found.length > 0; reading++) {
    say(
      `    reading ${reading}: ${found
        .map(({ fn }) => fn.name)
        .slice(0, 5)
        .join(", ")} changed meanwhile`,
    );
    await sleep(SETTLE_MS);
    capture = await captureText(guest);
    found = mismatches(checkerOf(whole, capture), whole.functions);
  }
  return { capture, found };
}

function report(
  name: string,
  functions: number,
  found: readonly Mismatch[],
  flips: number,
  missed: readonly Missed[],
): void {
  const matched = functions - found.length;
  say(
    `  ${name.padEnd(56)} ${matched} matched, ${found.length} not; ${flips} flips, ${missed.length} missed`,
  );
  for (const mismatch of found.slice(0, 20)) {
    const [first] = mismatch.differences;
    const what =
      first && `+0x${first.offset.toString(16)}: expected ${first.expected ?? "?"}, found ${first.found}`;
    say(`    ${mismatch.fn.name} (${causeOf(mismatch)}) ${what?.slice(0, 120) ?? ""}`);
  }
  for (const { name: fn, offset, bit, site } of missed.slice(0, 20)) {
    say(`    bit ${bit} of ${fn}+0x${offset.toString(16)} (${site}) was not found`);
  }
}

for (const kernel of readKernels()) await prove(kernel);
process.stdout.write(`${JSON.stringify(totals)}\n`);
process.exitCode = totals.configurations > 0 && totals.mismatches === 0 && totals.missed === 0 ? 0 : 1;
