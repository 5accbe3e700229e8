import type { BuildId } from "../brand.ts";
import { MINUTE } from "../time.ts";
import { LISTING_PAGE, type Listed, type Listing } from "./listing.ts";

/** 200,000 kernels, ten times what all distributions together have. */
export const MAX_LISTED = 200_000;
/** So many full ones; a feed gives none that is not full but the last. */
const MAX_PAGES = MAX_LISTED / LISTING_PAGE + 1;
/** A line of the list is about 120 bytes: of all pages together. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** 100 pages for 20,000 kernels over a slow line take two minutes. */
const MAX_LIST_TIME = 10 * MINUTE;

/** A page, and the bytes that it came in. */
export interface Page {
  readonly listing: Listing;
  readonly bytes: number;
}

/** What a list of changes came to. */
export interface Walked {
  /** Each once, as it was listed last. */
  readonly kernels: readonly Listed[];
  /** What to ask with the next time; undefined where the list was broken off. */
  readonly next: string | undefined;
  /** Why the list was broken off: it would never have ended. */
  readonly broken: string | undefined;
}

/**
 * Goes through a list of changes to its end, or to where it is plain that it has none: a feed that lies must not keep whoever asks
 * busy for ever. What was listed until then is good for what any list is good for, a hint.
 *
 * @param page asks for a page; undefined where there is none.
 * @param elapsed milliseconds since some moment.
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

/** Why it makes no sense to ask for the next page. */
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
