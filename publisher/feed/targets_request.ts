import { MAX_ROOT_ROTATIONS } from "../../shared/limits.ts";
import type { EdgeClient } from "./edge_client.ts";
import { type Proposed, unsigned } from "./proposal.ts";
import { ownRootChain, type PublisherFolder } from "./publisher_folder.ts";
import { newerRoots } from "./root_chain.ts";
import type { TargetsRequest } from "./signing_request.ts";

/** Makes a request, for those who hold targets keys, of a proposal and the chain up to the root in force. */
export async function targetsRequest(
  folder: Pick<PublisherFolder, "dir">,
  edge: Pick<EdgeClient, "get">,
  { current, merged, manifest, document }: Proposed,
): Promise<TargetsRequest> {
  const own = await ownRootChain(folder);
  const newest = own.at(-1);
  const newer = newest ? await newerRoots(edge, newest) : [];
  return {
    kind: "targets",
    roots: [...own, ...newer.map(({ bytes }) => bytes)].slice(-MAX_ROOT_ROTATIONS),
    buildId: merged.kernel.buildId,
    base: current.version,
    metadata: unsigned(document),
    manifest,
    previous: current.files,
  };
}
