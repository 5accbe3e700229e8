import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { Listing } from "../../shared/feed/listing.ts";
import type { Change } from "./change.ts";
import type { CvePage, Entry, FoundUpdate, HoldingPage, KernelPage } from "./entry.ts";
import type { Place } from "./place.ts";
import type { Query } from "./query.ts";

/** Lines of a page. */
export const PAGE = 50;
/** Changes that are kept for who follows the feed. */
export const MAX_CHANGES = 500;
/** Updates that a search gives. */
export const MAX_FOUND = 20;
/** Updates, the newest, whose words a search looks at: as many as take some milliseconds. */
export const MAX_SEARCHED = 10_000;
/** Updates named beside a CVE in a list. */
export const MAX_NAMED = 8;

export interface Totals {
  readonly kernels: number;
  /** By their ids: an update for a thousand kernels is one. */
  readonly updates: number;
  readonly lastChange: Change | undefined;
}

/**
 * Says what the feed has, across kernels. It is made from what was published and can be made again from it: nothing
 * that a host believes comes from here, and a publish is in force whether it was recorded or not. What a publisher says of an
 * update is said of their kernels alone: nobody else's is changed by it.
 */
export interface Catalogue {
  /** Takes in kernels' newest states, in this order; an older one than it knows is passed over. */
  record(entries: readonly Entry[]): Promise<void>;
  /** The version recorded for each of these kernels; 0 for none, and for what has to be recorded again. */
  versions(ids: readonly BuildId[]): Promise<readonly number[]>;
  /** What was recorded of a kernel, and so many of its updates, the newest first; undefined for what `versions` has 0 for. */
  entry(id: BuildId, max: number): Promise<Entry | undefined>;
  /** By release and build ID. @param after the last build ID of the page before. */
  kernels(query: Query, after: BuildId | null): Promise<KernelPage>;
  /** Updates that have all of a query's words in their id, summary or CVEs; at most MAX_FOUND, one with such an id first. */
  updates(query: Query): Promise<readonly FoundUpdate[]>;
  /** Kernels that have an update of this id. */
  holdersOf(id: UpdateId, after: Place | null): Promise<HoldingPage>;
  /** Kernels with updates that name a CVE. */
  fixesOf(cve: string, after: Place | null): Promise<HoldingPage>;
  /** CVEs that updates name. @param after the last one of the page before. */
  cves(after: string | null): Promise<CvePage>;
  /** Newest first. */
  changes(): Promise<readonly Change[]>;
  /**
   * Kernels by when they were recorded last, so that who comes again is told what changed. Nothing is ever left out.
   *
   * @param cursor where the listing before ended; null, or one that this catalogue did not give: from the beginning.
   */
  changedSince(cursor: string | null): Promise<Listing>;
  totals(): Promise<Totals>;
}

/** A cursor names the catalogue that gave it, as another one counts otherwise, and a place in it. */
export const cursorText = (catalogue: string, number: number): string => `${catalogue}.${number}`;

/** The place, or the beginning for a cursor of another catalogue and for what is none. */
export function placeOf(cursor: string | null, catalogue: string): number {
  const [, name, digits] = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(cursor ?? "") ?? [];
  return name === catalogue ? Number(digits) : 0;
}
