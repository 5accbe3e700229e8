import type { Feed } from "../../node/transport/feed.ts";
import { type EdgeClient, refusedByEdge } from "./edge_client.ts";

/**
 * Lets a mirror read a feed by the publisher's own client of the edge.
 *
 * @param url the feed's address, with a slash at its end.
 */
export function edgeFeed(url: string, edge: Pick<EdgeClient, "get">): Feed {
  const traffic = { requests: 0, bytes: 0 };
  return {
    url,
    traffic,
    async get(path, { maxBytes, etag }) {
      const answer = await edge.get(path, maxBytes, etag);
      traffic.requests++;
      traffic.bytes += answer.body.length;
      if (answer.status === 200)
        return { status: "ok", bytes: answer.body, etag: answer.header("etag") ?? undefined };
      if (answer.status === 304) return { status: "not_modified" };
      if (answer.status === 404) return { status: "not_found" };
      throw refusedByEdge(answer, `to send ${path}`);
    },
  };
}
