import type { BuildId } from "../../shared/brand.ts";
import type { AppDeps } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { isDue } from "../publish/stored_feed.ts";
import { feedKey } from "../store/keys.ts";
import type { Stored } from "../store/store.ts";
import type { NewestRoot } from "./newest_root.ts";

/** What a feed in force is read and renewed with. */
export type FeedInForceDeps = Pick<AppDeps, "store" | "queue" | "clock" | "report">;

/**
 * A kernel's feed, signed again first when that is due. Where that fails the old one is served all the same, also
 * past its expiry: hosts judge that themselves and say so, and a publisher needs it to put it right.
 */
export async function feedInForce(
  deps: FeedInForceDeps,
  root: NewestRoot,
  id: BuildId,
): Promise<Stored | undefined> {
  const key = feedKey(id);
  const feed = await deps.store.head(key);
  if (!feed || !isDue(feed.notes, deps.clock(), await root.version())) return feed;
  await renewed(deps, id);
  return deps.store.head(key);
}

async function renewed(deps: FeedInForceDeps, id: BuildId): Promise<void> {
  try {
    const outcome = await deps.queue.renew(id);
    if (outcome.kind === "refused" || outcome.kind === "misconfigured") {
      deps.report(new Error(`kernel ${id} was not renewed: ${outcome.message}`));
    }
  } catch (error) {
    deps.report(error);
  }
}

export const notCovered = (id: BuildId): Response =>
  problem(404, {
    code: "not_covered",
    message: `this feed has nothing for kernel ${id}`,
    hint: "Updates are made for one build of a kernel each; this one has none yet.",
  });
