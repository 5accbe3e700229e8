import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type Walked, walkList } from "../../shared/feed/list_walk.ts";
import { changesPath, decodeListing, MAX_LISTING_BYTES } from "../../shared/feed/listing.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";

/**
 * The kernels that a feed lists, each once. The list is a hint: it may name what is not there, and may hide what is. Throws
 * `unreachable`, `refused`, `parse`, and `no_list` for one that does not end.
 */
export async function listedKernels(edge: Pick<EdgeClient, "get">): Promise<readonly BuildId[]> {
  const { kernels, broken } = await walkKernels(edge);
  if (broken !== undefined) throw endlessList(broken);
  return kernels.map(({ buildId }) => buildId);
}

/** The same as far as the list can be gone through. */
export function walkKernels(edge: Pick<EdgeClient, "get">): Promise<Walked> {
  const page = async (since: string | undefined) => {
    const answer = await edge.get(changesPath(since), MAX_LISTING_BYTES);
    if (answer.status !== 200) throw refusal(answer, "to list its kernels");
    return { listing: decodeListing(answer.body), bytes: answer.body.length };
  };
  return walkList(page, undefined, () => performance.now());
}

/** @param hint what was done all the same. */
export const endlessList = (broken: string, hint?: string): RebootlessError =>
  new RebootlessError("no_list", `the feed's list of kernels does not end: ${broken}`, {
    hint: hint ?? "Nothing was done. Tell whoever runs the feed.",
  });
