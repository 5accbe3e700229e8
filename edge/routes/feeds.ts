import type { Context, Hono } from "hono";
import type { BuildId } from "../../shared/brand.ts";
import {
  decodeBuildIds,
  encodeFeeds,
  FEEDS_BYTES,
  FEEDS_PATH,
  MAX_QUESTION_BYTES,
} from "../../shared/feed/batch.ts";
import { inParallel } from "../../shared/parallel.ts";
import type { AppDeps } from "../deps.ts";
import { route } from "../http/route.ts";
import { feedKey } from "../store/keys.ts";
import { type AdmitDeps, admit } from "./admit.ts";

type FeedsDeps = AdmitDeps & Pick<AppDeps, "store">;

/**
 * The number of feeds that are read at the same time. This many may be in memory beyond those that fit into
 * the answer.
 */
const READS = 8;

/** Serves the feeds of many kernels at once, to publishers who are about to change them. */
export function feedsRoutes(app: Hono, deps: FeedsDeps): void {
  route(app, `/${FEEDS_PATH}`, { post: (c) => feeds(c, deps) });
}

/** Answers with the feeds in force. None is renewed first: expiry does not matter to a publisher. */
async function feeds(c: Context, deps: FeedsDeps): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "read", MAX_QUESTION_BYTES);
  if (admission.kind === "rejected") return admission.answer;
  const found: Uint8Array[] = [];
  const absent: BuildId[] = [];
  const leftOff: BuildId[] = [];
  let length = 0;
  await inParallel(decodeBuildIds(admission.body), READS, async (id) => {
    const file = await deps.store.get(feedKey(id));
    if (!file) return absent.push(id);
    if (length > 0 && length + file.length > FEEDS_BYTES) {
      await file.stream().cancel();
      return leftOff.push(id);
    }
    length += file.length;
    return found.push(await file.bytes());
  });
  return new Response(encodeFeeds({ feeds: found, absent, leftOff }) as Uint8Array<ArrayBuffer>, {
    headers: { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" },
  });
}
