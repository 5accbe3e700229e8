import { Hono } from "hono";
import type { AppDeps } from "./deps.ts";
import { forPeople } from "./http/people.tsx";
import { notFound, problem, problemOf } from "./http/problem.ts";
import { Room } from "./http/room.ts";
import { auditRoutes } from "./routes/audit.ts";
import { feedsRoutes } from "./routes/feeds.ts";
import { findRoutes } from "./routes/find.tsx";
import { healthRoutes } from "./routes/health.ts";
import { KnownFeeds } from "./routes/known_feeds.ts";
import { mirrorRoutes } from "./routes/mirrors.ts";
import { newestRoot } from "./routes/newest_root.ts";
import { openvexRoutes } from "./routes/openvex.ts";
import { publishRoutes } from "./routes/publish.ts";
import { readRoutes } from "./routes/read.ts";
import { ShownKernels } from "./routes/shown_kernels.ts";
import { stagingRoutes } from "./routes/staging.ts";
import { watched } from "./store/watched.ts";

export interface App {
  fetch(request: Request): Promise<Response>;
}

/** The whole edge as one request handler: no Cloudflare name in it. */
export function createApp(given: AppDeps): App {
  const app = new Hono();
  const store = watched(given.store, given.clock);
  const root = newestRoot({ ...given, store });
  const known = new KnownFeeds(given.clock, root);
  const deps = { ...given, store, queue: known.behind(given.queue) };
  const room = new Room(given.clock);
  const shown = new ShownKernels(deps, room);
  findRoutes(app, deps, root, shown);
  readRoutes(app, deps, root, { known, room });
  openvexRoutes(app, deps, shown);
  mirrorRoutes(app, deps, root);
  auditRoutes(app, deps);
  stagingRoutes(app, deps);
  feedsRoutes(app, deps);
  publishRoutes(app, deps, root);
  healthRoutes(app, deps, root);
  app.notFound(() => notFound("nothing is here"));
  app.onError((error) => answerError(error, deps.report));
  return {
    fetch: async (request) => {
      try {
        return (await known.unchanged(request)) ?? (await forPeople(request, await app.fetch(request)));
      } catch (error) {
        return forPeople(request, answerError(error, deps.report));
      }
    },
  };
}

/** Errors made on purpose say what they are; of others only the log learns. */
export function answerError(error: unknown, report: (error: unknown) => void): Response {
  const answer = problemOf(error);
  if (!answer) report(error);
  return answer ?? problem(500, { code: "internal", message: "something went wrong here" });
}
