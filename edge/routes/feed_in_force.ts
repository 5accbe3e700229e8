import type { BuildId } from "../../shared/brand.ts";
import { formatInstant } from "../../shared/time.ts";
import type { AppDeps } from "../app.ts";
import { problem } from "../http/problem.ts";
import { expiryOf, isDue } from "../publish/stored_feed.ts";
import { feedKey } from "../store/keys.ts";
import type { Stored } from "../store/store.ts";
import type { NewestRoot } from "./newest_root.ts";

/** A kernel's feed as it may be served, or the answer why not. */
export type InForce =
  | { readonly kind: "served"; readonly feed: Stored }
  | { readonly kind: "problem"; readonly answer: Response };

/** Has the feed signed again when that is due. Where that fails the old one serves until hosts would refuse it. */
export async function feedInForce(deps: AppDeps, root: NewestRoot, id: BuildId): Promise<InForce> {
  const key = feedKey(id);
  let feed = await deps.store.head(key);
  if (feed && isDue(feed.notes, deps.clock(), await root.version())) {
    await renewed(deps, id);
    feed = await deps.store.head(key);
  }
  if (!feed) return { kind: "problem", answer: notCovered(id) };
  const expires = expiryOf(feed.notes);
  if (expires > deps.clock()) return { kind: "served", feed };
  const message = `the feed of this kernel expired at ${formatInstant(expires)} and could not be signed again`;
  return { kind: "problem", answer: problem(503, { code: "expired", message }) };
}

async function renewed(deps: AppDeps, id: BuildId): Promise<void> {
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
