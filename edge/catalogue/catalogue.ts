import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { Listing } from "../../shared/feed/listing.ts";
import type { CatalogueChange } from "./change.ts";
import type { HoldingPosition } from "./cursors.ts";
import type { CveListPage, FoundUpdate, HoldingListPage, KernelEntry, KernelListPage } from "./entry.ts";
import type { Query } from "./query.ts";

/** The lines of a page. */
export const PAGE = 50;
/** The changes that are stored for those who follow the feed. */
export const MAX_CHANGES = 500;
/** The updates that a search finds at most. */
export const MAX_FOUND = 20;
/** The newest updates, whose words a search looks at: that takes some milliseconds. */
export const MAX_SEARCHED = 10_000;
/** The updates that are named beside a CVE in a list. */
export const MAX_NAMED = 8;

export interface Totals {
  readonly kernels: number;
  /** The number of ids: an update for a thousand kernels counts once. */
  readonly updates: number;
  readonly lastChange: CatalogueChange | undefined;
}

/**
 * An index of the feed's contents, across kernels. It is made from publications, and can be made from them
 * again: hosts trust nothing in it, and a publish is in force whether it was recorded or not. A publisher's
 * description of an update is recorded for that publisher's kernels alone.
 */
export interface Catalogue {
  /** Records kernels' newest states, in this order. A state older than the recorded one is ignored. */
  record(entries: readonly KernelEntry[]): Promise<void>;
  /** Returns the version recorded for each kernel; 0 for one that is not recorded or has to be recorded again. */
  versions(ids: readonly BuildId[]): Promise<readonly number[]>;
  /** Returns a kernel with its `max` newest updates, newest first, or undefined if `versions` returns 0. */
  entry(id: BuildId, max: number): Promise<KernelEntry | undefined>;
  /** Lists kernels by release and build ID. @param after the last build ID of the page before. */
  kernels(query: Query, after: BuildId | null): Promise<KernelListPage>;
  /** Finds updates with all words of a query in id, summary or CVEs; at most MAX_FOUND, one with exactly this id first. */
  updates(query: Query): Promise<readonly FoundUpdate[]>;
  /** Lists the kernels that have an update of this id. */
  holdersOf(id: UpdateId, after: HoldingPosition | null): Promise<HoldingListPage>;
  /** Lists the kernels with updates that name a CVE. */
  fixesOf(cve: string, after: HoldingPosition | null): Promise<HoldingListPage>;
  /** Lists the CVEs that updates name. @param after the last CVE of the page before. */
  cves(after: string | null): Promise<CveListPage>;
  /** Returns the last changes, newest first. */
  changes(): Promise<readonly CatalogueChange[]>;
  /**
   * Lists kernels by the time at which they were recorded last, so that a mirror that asks again is told of
   * the changes. No kernel is ever left out.
   *
   * @param cursor the end of the previous listing. Null, or a cursor of another catalogue, begins from the
   * start.
   */
  changedSince(cursor: string | null): Promise<Listing>;
  totals(): Promise<Totals>;
}
