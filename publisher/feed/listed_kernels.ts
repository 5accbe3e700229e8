import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { walkList } from "../../shared/feed/list_walk.ts";
import { changesPath, decodeListing, MAX_LISTING_BYTES } from "../../shared/feed/listing.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/**
 * Asks a feed for the kernels that it lists, each once. The list is only a hint: it may name kernels that the
 * feed lacks, and omit some that it has.
 *
 * @throws RebootlessError `unreachable`, `refused`, `parse`; `no_list` for a list that does not end.
 */
export async function listedKernels(edge: Pick<EdgeClient, "get">): Promise<readonly BuildId[]> {
  const page = async (since: string | undefined) => {
    const answer = await edge.get(changesPath(since), MAX_LISTING_BYTES);
    if (answer.status !== 200) throw refusedByEdge(answer, "to list its kernels");
    return { listing: decodeListing(answer.body), bytes: answer.body.length };
  };
  const { kernels, broken } = await walkList(page, undefined, () => performance.now());
  if (broken === undefined) return kernels.map(({ buildId }) => buildId);
  throw new RebootlessError("no_list", `the feed's list of kernels does not end: ${broken}`, {
    hint: "Nothing was done. Tell whoever runs the feed.",
  });
}
