import type { Context, Hono } from "hono";
import { buildId } from "../../shared/brand.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { openvexPath } from "../../shared/feed/paths.ts";
import { vexDocument, vexStatements } from "../../shared/feed/vex.ts";
import { encodeJson } from "../../shared/json.ts";
import { instant } from "../../shared/time.ts";
import type { AppDeps } from "../app.ts";
import { answerContent } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { originOf } from "../http/origin.ts";
import { notFound } from "../http/problem.ts";
import { readFeed } from "../publish/stored_feed.ts";
import { notCovered } from "./feed_in_force.ts";
import { ID } from "./patterns.ts";

/** For scanners that know which kernel a host runs, and not what was applied to it: the kernel as it was built. */
export function openvexRoutes(app: Hono, deps: AppDeps): void {
  route(app, `/kernels/:id{${ID}}/openvex.json`, { get: (c) => openvex(c, deps) });
}

async function openvex(c: Context, { store, url }: AppDeps): Promise<Response> {
  const id = buildId(c.req.param("id") ?? "");
  const feed = await readFeed(store, id);
  if (!feed) return notCovered(id);
  const { kernel, updates } = decodeManifest(feed.bundle.manifest);
  const statements = vexStatements({ kernel, updates, applied: new Map(), products: [] });
  if (statements.length === 0)
    return notFound("no update for this kernel names a CVE: there is nothing to state");
  const origin = originOf(c.req.raw, url);
  const version = feed.versions.targets;
  const heading = {
    id: `${origin}/${openvexPath(id)}#${version}`,
    author: new URL(origin).host,
    tooling: "rebootless",
    timestamp: newest(updates),
    version,
  };
  const content = encodeJson(vexDocument(heading, statements));
  return answerContent(c.req.raw, content, { lifetime: "moving", type: "application/json" });
}

/** Not the time of the request: the same state of the feed is the same document, with the same tag. */
const newest = (updates: KernelManifest["updates"]) =>
  instant(updates.reduce((latest, { published }) => Math.max(latest, published), 0));
