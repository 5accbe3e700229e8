import { Hono } from "hono";
import type { AppDeps } from "./deps.ts";
import { MemoryBudget } from "./http/memory_budget.ts";
import { notFound, problem, problemOf } from "./http/problem.ts";
import { problemAsPage } from "./http/problem_page.tsx";
import { auditRoutes } from "./routes/audit.ts";
import { feedFileRoutes } from "./routes/feed_files.ts";
import { feedsRoutes } from "./routes/feeds.ts";
import { healthRoutes } from "./routes/health.ts";
import { KnownFeeds } from "./routes/known_feeds.ts";
import { mirrorRoutes } from "./routes/mirrors.ts";
import { cachedNewestRoot } from "./routes/newest_root.ts";
import { openvexRoutes } from "./routes/openvex.ts";
import { pageRoutes } from "./routes/pages.tsx";
import { publishRoutes } from "./routes/publish.ts";
import { ShownKernels } from "./routes/shown_kernels.ts";
import { stagingRoutes } from "./routes/staging.ts";
import { monitored } from "./store/monitored_store.ts";

export interface App {
  fetch(request: Request): Promise<Response>;
}

/** Puts the edge together as one request handler, for Cloudflare and for Node alike. */
export function createApp(given: AppDeps): App {
  const app = new Hono();
  const store = monitored(given.store, given.clock);
  const root = cachedNewestRoot({ ...given, store });
  const known = new KnownFeeds(given.clock, root);
  const deps = { ...given, store, queue: known.forgettingAfter(given.queue) };
  const budget = new MemoryBudget(given.clock);
  const shown = new ShownKernels(deps, budget);
  pageRoutes(app, deps, root, shown);
  feedFileRoutes(app, deps, root, { known, budget });
  openvexRoutes(app, deps, shown);
  mirrorRoutes(app, deps, root);
  auditRoutes(app, deps);
  stagingRoutes(app, deps);
  feedsRoutes(app, deps);
  publishRoutes(app, deps, root);
  healthRoutes(app, deps, root);
  app.notFound(() => notFound("there is nothing at this address"));
  app.onError((error) => answerError(error, deps.report));
  return {
    fetch: async (request) => {
      try {
        return (await known.unchanged(request)) ?? (await problemAsPage(request, await app.fetch(request)));
      } catch (error) {
        return problemAsPage(request, answerError(error, deps.report));
      }
    },
  };
}

/** Returns the answer to an error. One that was not thrown on purpose is reported, and the answer tells nothing of it. */
export function answerError(error: unknown, report: (error: unknown) => void): Response {
  const answer = problemOf(error);
  if (!answer) report(error);
  return answer ?? problem(500, { code: "internal", message: "something went wrong here" });
}
