import { MAX_ROOT_ROTATIONS } from "../../shared/limits.ts";
import type { EdgeClient } from "./edge_client.ts";
import { type Proposed, unsigned } from "./proposal.ts";
import { newerRoots } from "./root_chain.ts";
import type { TargetsRequest } from "./signing_request.ts";
import { rootChain, type Workspace } from "./workspace.ts";

/** What is proposed as a request to those who hold targets keys, with the chain to the root in force. */
export async function targetsRequest(
  workspace: Pick<Workspace, "dir">,
  edge: Pick<EdgeClient, "get">,
  { current, merged, manifest, document }: Proposed,
): Promise<TargetsRequest> {
  const own = await rootChain(workspace);
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
