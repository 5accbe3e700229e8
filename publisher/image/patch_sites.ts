import type { TextOffset } from "../../shared/brand.ts";
import type { PatchingLandmarks, RetpolineLandmarks } from "../../shared/runpre/landmarks.ts";
import type { UndoneSite } from "../../shared/runpre/sites/site_kinds.ts";
import { patchingLandmarks } from "./patching_landmarks.ts";
import { composeAlternatives } from "./sites/alternative.ts";
import { findCallDepth } from "./sites/call_depth.ts";
import { cfiSites } from "./sites/cfi.ts";
import { ftraceSites } from "./sites/ftrace.ts";
import { ibtSealSites } from "./sites/ibt_seal.ts";
import { jumpLabelSites } from "./sites/jump_label.ts";
import { paravirtSites } from "./sites/paravirt.ts";
import type { PatchSite } from "./sites/patch_site.ts";
import { retpolineSites } from "./sites/retpoline.ts";
import { returnThunkSites } from "./sites/return_thunk.ts";
import { runtimeConstantSites } from "./sites/runtime_constant.ts";
import { smpLockSites } from "./sites/smp_lock.ts";
import type { SiteSources } from "./sites/sources.ts";
import { staticCallSites } from "./sites/static_call.ts";

/** Code as linked, and everything that a running kernel may change it to. Offsets are from `_text`. */
export interface PatchedCode {
  /** The sites, sorted by place. */
  readonly sites: readonly PatchSite[];
  /** Returns the relocated places in the bytes from `start` to `end`. */
  relocated(start: number, end: number): readonly UndoneSite[];
  /** Returns a view of bytes as linked. @throws ParseError outside of the code. */
  read(offset: TextOffset, length: number): Uint8Array;
}

export interface PatchTables {
  /** Every place outside of relocation that a running kernel rewrites, sorted by place. */
  readonly sites: readonly PatchSite[];
  readonly landmarks: PatchingLandmarks;
  /**
   * The landmark pages of the code's own branches. A module has its own; for the kernel they are in its
   * landmarks.
   */
  readonly itsPages: RetpolineLandmarks["itsPages"];
}

/**
 * Finds all sites. The hypercall page, which Xen fills in, is left out on purpose: its bytes are digested as
 * linked, so a Xen guest with that page does not match. That fails closed, not open.
 * @throws ParseError
 */
export function findPatchSites(sources: SiteSources): PatchTables {
  const retpolines = retpolineSites(sources);
  const callDepth = findCallDepth(sources);
  const plain = [
    ...callDepth.sites,
    ...cfiSites(sources),
    ...ftraceSites(sources),
    ...ibtSealSites(sources),
    ...jumpLabelSites(sources),
    ...paravirtSites(sources),
    ...retpolines.sites,
    ...returnThunkSites(sources),
    ...runtimeConstantSites(sources),
    ...smpLockSites(sources),
    ...staticCallSites(sources),
  ].sort((a, b) => a.at - b.at);
  return {
    sites: composeAlternatives(sources, withoutTrampolineReturns(plain), callDepth),
    landmarks: patchingLandmarks(sources, retpolines.itsPages, callDepth.landmarks),
    itsPages: retpolines.itsPages,
  };
}

/**
 * Removes the returns that are trampolines. The trampoline of a static call that calls nothing is linked as a
 * return, but its key decides about it all the same.
 */
function withoutTrampolineReturns(sites: readonly PatchSite[]): readonly PatchSite[] {
  const trampolines = new Set(
    sites.filter((site) => site.kind === "static_call" && site.form === "trampoline").map((site) => site.at),
  );
  return sites.filter((site) => site.kind !== "return_thunk" || !trampolines.has(site.at));
}
