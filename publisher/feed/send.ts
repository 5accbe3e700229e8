import {
  encodePublication,
  type Publication,
  publishPath,
  ROOT_PATH,
} from "../../shared/feed/publication.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/**
 * Sends a signed publication. Returns the number of bytes sent; undefined if another publish came in between.
 *
 * @throws RebootlessError `refused`, `unreachable`.
 */
export async function send(edge: EdgeClient, publication: Publication): Promise<number | undefined> {
  const body = encodePublication(publication);
  const answer = await edge.send({ method: "POST", path: `/${publishPath(publication.buildId)}`, body });
  if (answer.status === 201) return body.length;
  if (answer.status === 409) return undefined;
  throw refusedByEdge(answer, "the publication");
}

/** Publishes the next version of the root of trust. */
export async function pushRoot(root: Uint8Array, edge: EdgeClient): Promise<void> {
  const answer = await edge.send({ method: "POST", path: `/${ROOT_PATH}`, body: root });
  if (answer.status !== 201) throw refusedByEdge(answer, "the root");
}
