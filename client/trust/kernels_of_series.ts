import type { Feed } from "../../node/transport/feed.ts";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { decodeIndex, INDEX_PATH } from "../../shared/feed/kernel_index.ts";
import { parseJson } from "../../shared/json.ts";

/** A kernel that a feed says it has. It is for people, and nothing is decided by it. */
export interface Likely {
  readonly buildId: BuildId;
  readonly release: string;
}

/** The kernels of a series that a feed says it has. */
export interface OfSeries {
  readonly series: string;
  readonly kernels: readonly Likely[];
  /** The address of a page for people; undefined if the feed is files only. */
  readonly page: string | undefined;
}

/** The limit for a page of the catalogue, in bytes. A page has 50 kernels with all that is known of each. */
const MAX_PAGE_BYTES = 256 * 1024;
const MAX_PAGE_VALUES = 16_384;
/**
 * The limit for a mirror's list, in bytes. It is enough for 20,000 kernels, each with a line of 200 bytes.
 */
const MAX_INDEX = 4 * 1024 * 1024;
const MAX_INDEX_KERNELS = 20_000;
const MAX_LISTED = 1000;
/** The longest release: `uname -r` has at most 64 characters. */
const MAX_RELEASE = 64;

/**
 * Returns the beginning that releases of a series share: `6.1.0-` of 6.1.0-57-cloud-amd64, `6.12.` of
 * 6.12.38+deb13-amd64.
 */
export const seriesOf = (release: string): string | undefined =>
  /^(\d+\.\d+(?:\.\d+)*[.-])\d/.exec(release)?.[1];

/**
 * Asks a feed once which kernels of a series it has, to show them to a person. Returns undefined if the feed
 * does not answer.
 *
 * @param isEdge true if the feed can search; otherwise it may have a mirror's list.
 */
export async function kernelsOfSeries(
  feed: Feed,
  release: string,
  isEdge: boolean,
): Promise<OfSeries | undefined> {
  const series = seriesOf(release);
  if (series === undefined) return undefined;
  const path = `kernels?${new URLSearchParams({ q: series })}`;
  try {
    const fetched = isEdge
      ? await feed.get(path, { maxBytes: MAX_PAGE_BYTES })
      : await feed.get(INDEX_PATH, { maxBytes: MAX_INDEX });
    if (fetched.status !== "ok") return undefined;
    const listed = isEdge
      ? decodePage(fetched.bytes)
      : [...decodeIndex(fetched.bytes, MAX_INDEX_KERNELS).values()];
    const kernels = listed.filter((kernel) => kernel.release.startsWith(series));
    const page = isEdge ? new URL(kernels.length > 0 ? path : "kernels", feed.url).href : undefined;
    return { series, kernels: kernels.slice(0, MAX_LISTED), page };
  } catch {
    return undefined; // a failure here must not hide what the run is about
  }
}

const decodePage = (bytes: Uint8Array): readonly Likely[] =>
  new Decoder(parseJson(bytes, "kernels", MAX_PAGE_VALUES), "kernels")
    .get("kernels")
    .array(MAX_LISTED)
    .map((kernel) => ({
      buildId: kernel.get("build_id").as(buildId),
      release: kernel.get("release").string(MAX_RELEASE),
    }));
