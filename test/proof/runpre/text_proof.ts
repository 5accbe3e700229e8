import type { Guest } from "../../support/guest/guest.ts";
import { flipBits, type Missed, seeded } from "./flips.ts";
import { observe } from "./observed.ts";
import { checkerOf, type Mismatch, type WholeKernel } from "./whole_kernel.ts";

/** How many bits are changed, and which. */
export interface Flips {
  readonly count: number;
  readonly seed: number;
}

export interface CodeResult {
  readonly functions: number;
  readonly found: readonly Mismatch[];
  readonly flips: number;
  readonly missed: readonly Missed[];
}

/** Checks all functions of a guest's kernel, and changes single bits of what was captured. */
export async function proveText(guest: Guest, whole: WholeKernel, flips: Flips): Promise<CodeResult> {
  const { capture, found } = await observe(guest, whole);
  const { functions } = whole;
  const text = { functions, check: checkerOf(whole, capture), bytes: capture.bytes, start: 0 };
  const missed = flipBits(text, flips.count, seeded(flips.seed));
  return { functions: functions.length, found, flips: flips.count, missed };
}
