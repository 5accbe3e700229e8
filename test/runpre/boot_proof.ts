import { bootGuest, type Guest } from "../guest/guest.ts";
import type { Kernel } from "../guest/machine.ts";
import { type Capture, captureText } from "./capture.ts";
import type { Configuration } from "./configurations.ts";
import { flipBits, type Missed, seeded } from "./flips.ts";
import { observe } from "./observed.ts";
import type { Mismatch, WholeKernel } from "./whole_kernel.ts";

export interface BootResult {
  readonly functions: number;
  readonly found: readonly Mismatch[];
  readonly flips: number;
  readonly missed: readonly Missed[];
}

/** Boots a kernel in one configuration, checks all of its functions, and changes single bits of what was captured. */
export async function proveBoot(
  kernel: Kernel,
  whole: WholeKernel,
  configuration: Configuration,
  flips: { readonly count: number; readonly seed: number },
): Promise<BootResult> {
  const guest = await bootAnew(() => bootGuest({ kernel, ...configuration }));
  try {
    const { capture, found } = await observe(guest, whole);
    const missed = flipBits(whole, capture, flips.count, seeded(flips.seed));
    return { functions: whole.functions.length, found, flips: flips.count, missed };
  } finally {
    await guest.close();
  }
}

/** The text of a kernel that has booted as it pleases. */
export async function captureOf(kernel: Kernel): Promise<Capture> {
  const guest = await bootAnew(() => bootGuest({ kernel }));
  try {
    return await captureText(guest);
  } finally {
    await guest.close();
  }
}

/** A machine that is busy is sometimes too slow to boot in time. */
export async function bootAnew(boot: () => Promise<Guest>, tries = 3): Promise<Guest> {
  try {
    return await boot();
  } catch (error) {
    if (tries === 1) throw error;
    process.stderr.write("    a guest did not come up; once more\n");
    return await bootAnew(boot, tries - 1);
  }
}
