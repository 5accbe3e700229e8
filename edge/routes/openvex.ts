import type { Context, Hono } from "hono";
import { buildId } from "../../shared/brand.ts";
import { openvexPath } from "../../shared/feed/paths.ts";
import { vexDocument, vexStatements } from "../../shared/feed/vex.ts";
import { encodeJson } from "../../shared/json.ts";
import { instant } from "../../shared/time.ts";
import type { AppDeps } from "../deps.ts";
import { answerContent } from "../http/answer.ts";
import { originOf } from "../http/origin.ts";
import { notFound, problem } from "../http/problem.ts";
import { route } from "../http/route.ts";
import type { ShownUpdate } from "../pages/kernel.tsx";
import { feedKey } from "../store/keys.ts";
import { notCovered } from "./feed_in_force.ts";
import { BUILD_ID_PATTERN } from "./path_patterns.ts";
import type { ShownKernels } from "./shown_kernels.ts";

type OpenvexDeps = Pick<AppDeps, "store" | "url" | "digests">;

/**
 * The largest document. A CVE takes about 400 bytes, and more for each update that names it. A stable series
 * has about 3,000 CVEs a year.
 */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const STATEMENT_BYTES = 500;
const MENTION_BYTES = 40;

/** Serves OpenVEX for scanners that know a host's kernel, but not which updates it applied: it is about the kernel as built. */
export function openvexRoutes(app: Hono, deps: OpenvexDeps, shown: ShownKernels): void {
  route(app, `/kernels/:id{${BUILD_ID_PATTERN}}/openvex.json`, { get: (c) => openvex(c, deps, shown) });
}

async function openvex(
  c: Context,
  { store, url, digests }: OpenvexDeps,
  shown: ShownKernels,
): Promise<Response> {
  const id = buildId(c.req.param("id") ?? "");
  const feed = await store.head(feedKey(id));
  if (!feed) return notCovered(id);
  const view = await shown.whole(id, feed);
  if (!view || documentBytes(view.updates) > MAX_DOCUMENT_BYTES) return tooMuchToState();
  const { kernel, version } = view;
  const updates = view.updates.map((update) => ({ ...update, supersedes: update.detail?.supersedes ?? [] }));
  const statements = vexStatements({ kernel, updates, applied: new Map(), products: [] });
  if (statements.length === 0)
    return notFound("no update for this kernel names a CVE, so there is nothing to state");
  const origin = originOf(c.req.raw, url);
  const heading = {
    id: `${origin}/${openvexPath(id)}#${version}`,
    author: new URL(origin).host,
    tooling: "rebootless",
    timestamp: newest(updates),
    version,
  };
  const content = encodeJson(vexDocument(heading, statements));
  return answerContent(c.req.raw, content, { lifetime: "moving", type: "application/json" }, digests);
}

/** Estimates a document's size from above. A statement names each update for its CVE, and why one was recalled. */
function documentBytes(updates: readonly ShownUpdate[]): number {
  const cves = new Set(updates.flatMap((update) => update.cves));
  const mentions = updates.map(
    (update) => update.cves.length * (MENTION_BYTES + update.id.length + (update.recalled?.length ?? 0)),
  );
  return mentions.reduce((sum, bytes) => sum + bytes, cves.size * STATEMENT_BYTES);
}

const tooMuchToState = (): Response =>
  problem(404, {
    code: "limit",
    message: "the feed has too much for this kernel to state it here",
    hint: "Run `rebootless vex` on a host, which states all of it.",
  });

/** Returns the document's time. It is not that of the request, so that one state of the feed is one document, with one ETag. */
const newest = (updates: readonly ShownUpdate[]) =>
  instant(updates.reduce((latest, { published }) => Math.max(latest, published), 0));
