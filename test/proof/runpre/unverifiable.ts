import { setImmediate as pause } from "node:timers/promises";
import { siteLength } from "../../../shared/runpre/sites/site_kinds.ts";
import type { Capture } from "./capture.ts";
import { type Checker, checkerOf, type WholeKernel } from "./whole_kernel.ts";

/** How long to compute before guests and timers get their turn. */
const TURN_MS = 20;

/** What changing every bit of every site, one at a time, came to. Outside of sites every bit is part of a digest. */
export interface SiteBits {
  readonly tried: number;
  /** Bytes of which a change was not found, as FUNCTION+0xOFFSET (KIND OF SITE). */
  readonly unverifiable: readonly string[];
}

/** Goes through all sites of a captured kernel. Takes a minute or two. */
export async function flipEverySiteBit(kernel: WholeKernel, capture: Capture): Promise<SiteBits> {
  const check = checkerOf(kernel, capture);
  const unverifiable: string[] = [];
  let tried = 0;
  let turnEnds = performance.now() + TURN_MS;
  for (const fn of kernel.functions) {
    const isMissed = flipper(capture, check, fn);
    for (const site of fn.sites) {
      for (let at = site.at; at < site.at + siteLength(site); at++) {
        if (isMissed(at)) unverifiable.push(`${fn.name}+0x${at.toString(16)} (${site.kind})`);
        tried += 8;
      }
    }
    if (performance.now() < turnEnds) continue;
    await pause();
    turnEnds = performance.now() + TURN_MS;
  }
  return { tried, unverifiable };
}

/** Tells whether any change of one bit of a function's byte is not found. */
function flipper(
  { bytes }: Capture,
  check: Checker,
  fn: WholeKernel["functions"][number],
): (at: number) => boolean {
  return (at) => {
    const place = fn.offset + at;
    const byte = bytes[place] ?? 0;
    let missed = false;
    for (let bit = 0; bit < 8; bit++) {
      bytes[place] = byte ^ (1 << bit);
      if (check(fn).result !== "mismatch") missed = true;
    }
    bytes[place] = byte;
    return missed;
  };
}
