import type { BuildId } from "../../shared/brand.ts";
import {
  decodeFeeds,
  encodeQuestion,
  FEEDS_PATH,
  MAX_BATCH,
  MAX_FEEDS_ANSWER_BYTES,
} from "../../shared/feed/batch.ts";
import { type Bundle, decodeBundle } from "../../shared/feed/bundle.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/**
 * Fetches the feeds of many kernels as they are in force, unverified. Kernels without a feed are left out.
 *
 * @throws RebootlessError `unreachable`, `refused`, `parse`.
 */
export async function fetchStates(
  edge: EdgeClient,
  ids: readonly BuildId[],
): Promise<ReadonlyMap<BuildId, Bundle>> {
  const found = new Map<BuildId, Bundle>();
  let wanted = ids;
  while (wanted.length > 0) {
    const body = encodeQuestion("build_ids", wanted.slice(0, MAX_BATCH));
    const answer = await edge.send({ method: "POST", path: `/${FEEDS_PATH}`, body }, MAX_FEEDS_ANSWER_BYTES);
    if (answer.status !== 200) throw refusedByEdge(answer, "to show what it has");
    const { feeds, leftOff } = decodeFeeds(answer.body);
    for (const bundle of feeds.map(decodeBundle)) found.set(bundle.buildId, bundle);
    const next = [...leftOff, ...wanted.slice(MAX_BATCH)];
    if (next.length >= wanted.length)
      throw refusedByEdge(answer, "to show what it has: it left everything off");
    wanted = next;
  }
  return found;
}
