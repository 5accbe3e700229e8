import type { BuildId } from "../brand.ts";
import { MINUTE } from "../time.ts";
import { LISTING_PAGE, type Listed, type Listing } from "./listing.ts";

/**
 * The largest number of kernels in a list. It is ten times the number of kernels of all distributions
 * together.
 */
export const MAX_LISTED = 200_000;
/** The largest number of pages. All pages of a feed are full but the last. */
const MAX_PAGES = MAX_LISTED / LISTING_PAGE + 1;
/** The limit for all pages together, in bytes. A line of the list has about 120 bytes. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** The longest time for a walk. The 100 pages for 20,000 kernels take two minutes over a slow line. */
const MAX_LIST_TIME = 10 * MINUTE;

/** A page, and the number of bytes that it came in. */
export interface Page {
  readonly listing: Listing;
  readonly bytes: number;
}

/** The result of a walk through a list of changes. */
export interface Walked {
  /** The kernels, each once, as it was listed last. */
  readonly kernels: readonly Listed[];
  /** The value to ask with the next time; undefined if the list was broken off. */
  readonly next: string | undefined;
  /** The reason why the list was broken off: it would never have ended. */
  readonly broken: string | undefined;
}

/**
 * Goes through a list of changes to its end, or to the point where it is plain that it has no end: a feed
 * that lies must not keep a client busy for ever. The kernels that were listed until then are a hint, as any
 * list is.
 *
 * @param page requests a page; returns undefined if the feed has no such page.
 * @param elapsed returns the milliseconds since some moment.
 */
export async function walkList(
  page: (since: string | undefined) => Promise<Page | undefined>,
  since: string | undefined,
  elapsed: () => number,
): Promise<Walked> {
  const kernels = new Map<BuildId, Listed>();
  const asked = new Set<string | undefined>();
  const start = elapsed();
  let bytes = 0;
  for (let cursor = since; ; ) {
    asked.add(cursor);
    const got = await page(cursor);
    for (const line of got?.listing.kernels ?? []) kernels.set(line.buildId, line);
    bytes += got?.bytes ?? 0;
    if (got && !got.listing.more) return walked(kernels, got.listing.next, undefined);
    const broken = endless(got?.listing, asked, kernels.size, bytes, elapsed() - start);
    if (broken !== undefined) return walked(kernels, undefined, broken);
    cursor = got?.listing.next;
  }
}

const walked = (
  kernels: ReadonlyMap<BuildId, Listed>,
  next: string | undefined,
  broken: string | undefined,
): Walked => ({ kernels: [...kernels.values()], next, broken });

/** Returns the reason why the next page should not be requested, if there is one. */
function endless(
  listing: Listing | undefined,
  asked: ReadonlySet<string | undefined>,
  kernels: number,
  bytes: number,
  milliseconds: number,
): string | undefined {
  if (!listing) return "it breaks off";
  if (listing.kernels.length === 0) return "a page names no kernel and says that there are more";
  if (asked.has(listing.next)) return "it goes round in a circle";
  if (kernels > MAX_LISTED) return `it names more than ${MAX_LISTED} kernels`;
  if (asked.size >= MAX_PAGES) return `it has more than ${MAX_PAGES} pages`;
  if (bytes > MAX_LIST_BYTES) return `it has more than ${MAX_LIST_BYTES} bytes`;
  if (milliseconds > MAX_LIST_TIME) return `it takes longer than ${MAX_LIST_TIME / MINUTE} minutes`;
  return undefined;
}
