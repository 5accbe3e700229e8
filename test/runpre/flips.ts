import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import { siteLength } from "../../shared/runpre/sites/kinds.ts";
import type { Capture } from "./capture.ts";
import { checkerOf, functionAt, type WholeKernel } from "./whole_kernel.ts";

/** A changed bit that was not found. */
export interface Missed {
  readonly name: string;
  /** From the function's start. */
  readonly offset: number;
  readonly bit: number;
  readonly site: string;
}

/**
 * Changes one bit of a capture at a time, anywhere in the text, and has the function that it lies in checked.
 * @param random in [0, 1).
 */
export function flipBits(
  kernel: WholeKernel,
  capture: Capture,
  count: number,
  random: () => number,
): readonly Missed[] {
  const check = checkerOf(kernel, capture);
  const missed: Missed[] = [];
  for (let i = 0; i < count; i++) {
    const at = Math.floor(random() * kernel.size);
    const bit = Math.floor(random() * 8);
    const fn = functionAt(kernel.functions, at);
    if (fn === undefined) throw new Error(`no function covers _text+${at}`);
    const byte = capture.bytes[at] ?? 0;
    capture.bytes[at] = byte ^ (1 << bit);
    if (check(fn).result !== "mismatch") missed.push(describe(fn, at - fn.offset, bit));
    capture.bytes[at] = byte;
  }
  return missed;
}

function describe(fn: FunctionFingerprint, offset: number, bit: number): Missed {
  const site = fn.sites.find(({ at }, i) => {
    const found = fn.sites[i];
    return found !== undefined && offset >= at && offset < at + siteLength(found);
  });
  return { name: fn.name, offset, bit, site: site?.kind ?? "code" };
}

/** A small generator (mulberry32), so that a run can be had again. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
