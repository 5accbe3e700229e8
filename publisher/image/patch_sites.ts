import type { SiteKind } from "../../shared/runpre/fingerprint.ts";
import { alternativeSites } from "./sites/alternative.ts";
import { cfiSites } from "./sites/cfi.ts";
import { ftraceSites } from "./sites/ftrace.ts";
import { ibtSealSites } from "./sites/ibt_seal.ts";
import { jumpLabelSites } from "./sites/jump_label.ts";
import { paravirtSites } from "./sites/paravirt.ts";
import { retpolineSites } from "./sites/retpoline.ts";
import { returnThunkSites } from "./sites/return_thunk.ts";
import { runtimeConstantSites } from "./sites/runtime_constant.ts";
import { smpLockSites } from "./sites/smp_lock.ts";
import type { SiteSources } from "./sites/sources.ts";
import { staticCallSites } from "./sites/static_call.ts";

/** Kinds of sites that a running kernel rewrites and that the host cannot judge yet: a function with one is refused. */
export type UnhandledSiteKind =
  | "alternative"
  | "cfi"
  | "ftrace_other"
  | "ftrace_trampoline"
  | "ibt_seal"
  | "jump_label"
  | "paravirt"
  | "retpoline"
  | "return_thunk_other"
  | "runtime_constant"
  | "smp_lock"
  | "static_call"
  | "static_call_trampoline";

export type HandledSiteKind = Extract<SiteKind, "ftrace" | "return_thunk">;

/** `length` bytes from `at` (from `_text`) that a running kernel may rewrite. */
export interface PatchSite {
  readonly kind: HandledSiteKind | UnhandledSiteKind;
  readonly at: number;
  readonly length: number;
}

// No table of an image says that a site is longer: instrlen of an alternative is a byte.
export const MAX_SITE_LENGTH = 255;

/**
 * Left out on purpose: `.call_sites`. They are rewritten only when call depth tracking is on (a mitigation for
 * Skylake that has to be asked for), and nearly every function has one. Their bytes stay in the digest as linked, so a
 * kernel that tracks call depth does not match: closed, not open. The same holds for the padding before functions, which
 * call depth tracking fills in, and for the hypercall page, which Xen fills in.
 */
const FINDERS: readonly ((sources: SiteSources) => readonly PatchSite[])[] = [
  alternativeSites,
  cfiSites,
  ftraceSites,
  ibtSealSites,
  jumpLabelSites,
  paravirtSites,
  retpolineSites,
  returnThunkSites,
  runtimeConstantSites,
  smpLockSites,
  staticCallSites,
];

/** Every place outside of relocation that a running kernel rewrites, sorted by place. Throws ParseError. */
export function findPatchSites(sources: SiteSources): readonly PatchSite[] {
  return FINDERS.flatMap((find) => find(sources)).sort((a, b) => a.at - b.at);
}

/** The sites of a sorted list that overlap [start, end), offsets from `_text`. */
export function sitesWithin(sites: readonly PatchSite[], start: number, end: number): readonly PatchSite[] {
  const found: PatchSite[] = [];
  for (let i = lowerBound(sites, start - MAX_SITE_LENGTH); i < sites.length; i++) {
    const site = sites[i];
    if (site === undefined || site.at >= end) break;
    if (site.at + site.length > start) found.push(site);
  }
  return found;
}

function lowerBound(sites: readonly PatchSite[], at: number): number {
  let low = 0;
  let high = sites.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sites[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
