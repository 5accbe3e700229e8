import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { changesPath, decodeListing, MAX_LISTING_BYTES } from "../../shared/feed/listing.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";

/** Ten times the kernels that any feed is known to be made for: a list that goes on beyond does not end. */
const MAX_LISTED = 200_000;

/**
 * The kernels that a feed lists, each once. The list is a hint: it may name what is not there, and may hide what is. Throws
 * `unreachable`, `refused`, `parse`.
 */
export async function listedKernels(edge: Pick<EdgeClient, "get">): Promise<readonly BuildId[]> {
  const ids = new Set<BuildId>();
  let since: string | undefined;
  for (let pages = 0; ; pages++) {
    const answer = await edge.get(changesPath(since), MAX_LISTING_BYTES);
    if (answer.status !== 200) throw refusal(answer, "to list its kernels");
    const page = decodeListing(answer.body);
    for (const { buildId } of page.kernels) ids.add(buildId);
    if (!page.more) return [...ids];
    if (page.kernels.length === 0 || page.next === since || ids.size > MAX_LISTED || pages > MAX_LISTED) {
      throw new RebootlessError("parse", "the feed's list of kernels does not end");
    }
    since = page.next;
  }
}
