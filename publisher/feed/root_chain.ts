import { ROOT_PATH } from "../../shared/feed/publication.ts";
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS } from "../../shared/limits.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import { trustedFrom } from "../keys/root.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/**
 * Fetches a version of the root from the feed, unverified; returns undefined only if the feed says explicitly
 * that it does not exist.
 */
export async function fetchRoot(
  edge: Pick<EdgeClient, "get">,
  version: number,
): Promise<Uint8Array | undefined> {
  const answer = await edge.get(`${ROOT_PATH}/${version}.root.json`, MAX_ROOT_BYTES);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusedByEdge(answer, `root version ${version}`);
  return answer.body;
}

export interface NewerRoot {
  readonly root: Root;
  readonly bytes: Uint8Array;
}

/**
 * Fetches the roots that the feed has after one of ours, each verified by the one before.
 *
 * @throws RebootlessError `trust`, `unreachable`.
 */
export async function newerRoots(
  edge: Pick<EdgeClient, "get">,
  held: Uint8Array,
): Promise<readonly NewerRoot[]> {
  const set = await trustedFrom(held);
  const newer: NewerRoot[] = [];
  while (newer.length < MAX_ROOT_ROTATIONS) {
    const bytes = await fetchRoot(edge, set.root.version + 1);
    if (bytes === undefined) return newer;
    newer.push({ root: await set.updateRoot(bytes), bytes });
  }
  return newer;
}
