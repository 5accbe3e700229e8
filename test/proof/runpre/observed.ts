import { setTimeout as sleep } from "node:timers/promises";
import type { Guest } from "../../support/guest/guest.ts";
import { type Capture, captureText } from "./capture.ts";
import { checkerOf, type Mismatch, mismatches, type WholeKernel } from "./whole_kernel.ts";

/** Code changes while a machine settles: what differs must differ again. */
export const READINGS = 3;
export const SETTLE_MS = 2_000;

/** A guest's text, and what of it is not as it should be. */
export interface Observation {
  readonly capture: Capture;
  readonly found: readonly Mismatch[];
}

/** Reads a guest's text and checks all of it; again, a few times, while what is found is not `accepted`. */
export async function observe(
  guest: Guest,
  whole: WholeKernel,
  accepted: (found: readonly Mismatch[]) => boolean = (found) => found.length === 0,
): Promise<Observation> {
  for (let reading = 1; ; reading++) {
    const capture = await captureText(guest);
    const found = mismatches(checkerOf(whole, capture), whole.functions);
    if (accepted(found) || reading === READINGS) return { capture, found };
    await sleep(SETTLE_MS);
  }
}
