import type { BuildId } from "../../shared/brand.ts";
import type { AppDeps } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { isDue } from "../publish/stored_feed.ts";
import { feedKey } from "../store/keys.ts";
import type { Stored } from "../store/store.ts";
import type { NewestRoot } from "./newest_root.ts";

/** The parts of the edge that are needed to read a feed in force and to renew it. */
export type FeedInForceDeps = Pick<AppDeps, "store" | "queue" | "clock" | "report">;

/**
 * Returns a kernel's feed, which is first signed again if that is due. If that fails, the old one is served,
 * also past its expiry: hosts check that themselves and report it, and a publisher needs the feed to correct
 * it.
 */
export async function feedInForce(
  deps: FeedInForceDeps,
  root: NewestRoot,
  id: BuildId,
): Promise<Stored | undefined> {
  const key = feedKey(id);
  const feed = await deps.store.head(key);
  if (!feed || !isDue(feed.notes, deps.clock(), await root.version())) return feed;
  await tryToRenew(deps, id);
  return deps.store.head(key);
}

async function tryToRenew(deps: FeedInForceDeps, id: BuildId): Promise<void> {
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
    hint: "Each update is made for one build of a kernel. This build has none yet.",
  });
