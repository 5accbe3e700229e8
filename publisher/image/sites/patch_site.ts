import { partitionPoint } from "../../../shared/partition_point.ts";
import { type Site, siteLength } from "../../../shared/runpre/sites/site_kinds.ts";

/** A place that a running kernel rewrites in a way that is not understood: a function with one is refused. */
export interface UnknownSite {
  readonly kind: "unknown";
  readonly at: number;
  readonly length: number;
  /** The kind of table that lists it. */
  readonly table: string;
}

/** A place that every running kernel rewrites in the same way. */
export interface FixedSite {
  readonly kind: "fixed";
  readonly at: number;
  readonly code: Uint8Array;
}

/** A place that a running kernel may rewrite; `at` is from `_text`. */
export type PatchSite = Site | FixedSite | UnknownSite;

export function patchLength(site: PatchSite): number {
  if (site.kind === "unknown") return site.length;
  return site.kind === "fixed" ? site.code.length : siteLength(site);
}

// The longest site. No table of an image has a longer one: instrlen of an alternative is a byte.
export const MAX_SITE_LENGTH = 255;

/** Returns the sites of a sorted list that overlap [start, end), offsets from `_text`. */
export function sitesWithin<S extends PatchSite>(
  sites: readonly S[],
  start: number,
  end: number,
): readonly S[] {
  const found: S[] = [];
  for (let i = lowerBound(sites, start - MAX_SITE_LENGTH); i < sites.length; i++) {
    const site = sites[i];
    if (site === undefined || site.at >= end) break;
    if (site.at + patchLength(site) > start) found.push(site);
  }
  return found;
}

const lowerBound = (sites: readonly PatchSite[], at: number): number =>
  partitionPoint(sites.length, (i) => (sites[i]?.at ?? 0) < at);
