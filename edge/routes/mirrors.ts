import type { Context, Hono } from "hono";
import type { BuildId } from "../../shared/brand.ts";
import { fromUtf8 } from "../../shared/bytes.ts";
import { askedRenewals, listingToJson, MAX_RENEWALS, renewalsToJson } from "../../shared/feed/listing.ts";
import type { AppDeps } from "../deps.ts";
import { jsonAnswer } from "../http/answer.ts";
import { problem } from "../http/problem.ts";
import { route } from "../http/route.ts";
import { readFeedHead } from "../publish/stored_feed.ts";
import { type FeedInForceDeps, feedInForce } from "./feed_in_force.ts";
import type { NewestRoot } from "./newest_root.ts";

type MirrorDeps = FeedInForceDeps & Pick<AppDeps, "catalogue">;

/**
 * Tells mirrors which kernels changed, so that the cost of a sync depends on the changes alone. These are
 * hints: a mirror trusts only signed files.
 */
export function mirrorRoutes(app: Hono, deps: MirrorDeps, root: NewestRoot): void {
  route(app, "/kernels/changes", { get: (c) => changes(c, deps) });
  route(app, "/kernels/timestamps", { get: (c) => timestamps(c, deps, root) });
}

async function changes(c: Context, { catalogue }: Pick<MirrorDeps, "catalogue">): Promise<Response> {
  return jsonAnswer(
    200,
    Object.fromEntries(listingToJson(await catalogue.changedSince(c.req.query("since") ?? null))),
  );
}

/** Answers with the timestamps of kernels; those that the feed lacks are left out. Reads one after the other: a Worker has 128 MB. */
async function timestamps(c: Context, deps: FeedInForceDeps, root: NewestRoot): Promise<Response> {
  const ids = askedRenewals(c.req.query("ids"));
  if (!ids) {
    return problem(400, {
      code: "usage",
      message: `ids: must be 1 to ${MAX_RENEWALS} build IDs with commas between them`,
    });
  }
  const found: { readonly buildId: BuildId; readonly timestamp: string; readonly snapshot: string }[] = [];
  for (const buildId of new Set(ids)) {
    const feed = (await feedInForce(deps, root, buildId)) && (await readFeedHead(deps.store, buildId));
    if (!feed) continue;
    const { timestamp, snapshot } = feed.bundle;
    found.push({ buildId, timestamp: fromUtf8(timestamp), snapshot: fromUtf8(snapshot) });
  }
  return jsonAnswer(200, Object.fromEntries(renewalsToJson(found)));
}
