import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { Listing } from "../../shared/feed/listing.ts";
import type { Change } from "./change.ts";
import type { Entry, KernelPage, UpdateEntry } from "./entry.ts";
import type { Query } from "./query.ts";

/** Lines of a page. */
export const PAGE = 50;
/** Changes that are kept for who follows the feed. */
export const MAX_CHANGES = 500;

export interface Totals {
  readonly kernels: number;
  readonly updates: number;
  readonly lastChange: Change | undefined;
}

/**
 * Says what the feed has, across kernels. It is made from what was published and can be made again from it: nothing
 * that a host believes comes from here, and a publish is in force whether it was recorded or not.
 */
export interface Catalogue {
  /** Takes in kernels' newest states, in this order; an older one than it knows is passed over. */
  record(entries: readonly Entry[]): Promise<void>;
  /** The version recorded for each of these kernels; 0 for none. */
  versions(ids: readonly BuildId[]): Promise<readonly number[]>;
  /** By release and build ID. @param after the last build ID of the page before. */
  kernels(query: Query, after: BuildId | null): Promise<KernelPage>;
  /** As it was recorded last, for whichever kernel. */
  update(id: UpdateId): Promise<UpdateEntry | undefined>;
  updatesFor(cve: string): Promise<readonly UpdateEntry[]>;
  kernelsWith(update: UpdateId, after: BuildId | null): Promise<KernelPage>;
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
