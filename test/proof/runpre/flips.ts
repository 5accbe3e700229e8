import type { FunctionFingerprint } from "../../../shared/runpre/fingerprint.ts";
import { siteLength } from "../../../shared/runpre/sites/site_kinds.ts";
import type { Checker } from "./whole_kernel.ts";

/** Captured code in which bits can be changed. */
export interface Flippable {
  readonly functions: readonly FunctionFingerprint[];
  readonly check: Checker;
  /** What the checker reads. */
  readonly bytes: Uint8Array;
  /** Where `bytes` begin, from `_text`. */
  readonly start: number;
}

/** A changed bit that was not found. */
export interface Missed {
  readonly name: string;
  /** From the function's start. */
  readonly offset: number;
  readonly bit: number;
  readonly site: string;
}

/**
 * Changes one bit at a time, anywhere in the functions, and has the function that it lies in checked.
 * @param random in [0, 1).
 */
export function flipBits(
  { functions, check, bytes, start }: Flippable,
  count: number,
  random: () => number,
): readonly Missed[] {
  const pick = picker(functions);
  const missed: Missed[] = [];
  for (let i = 0; i < count; i++) {
    const { fn, offset } = pick(random());
    const bit = Math.floor(random() * 8);
    const at = fn.offset + offset - start;
    const byte = bytes[at] ?? 0;
    bytes[at] = byte ^ (1 << bit);
    if (check(fn).result !== "mismatch") missed.push(describe(fn, offset, bit));
    bytes[at] = byte;
  }
  return missed;
}

/** Every byte of every function with the same chance. */
function picker(
  functions: readonly FunctionFingerprint[],
): (random: number) => { readonly fn: FunctionFingerprint; readonly offset: number } {
  let total = 0;
  const starts = functions.map(({ size }) => {
    total += size;
    return total - size;
  });
  return (random) => {
    const at = Math.floor(random * total);
    let low = 0;
    let high = functions.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    const fn = functions[low];
    if (fn === undefined) throw new Error("there is no function to change");
    return { fn, offset: at - (starts[low] ?? 0) };
  };
}

function describe(fn: FunctionFingerprint, offset: number, bit: number): Missed {
  const site = fn.sites.find((one) => offset >= one.at && offset < one.at + siteLength(one));
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
