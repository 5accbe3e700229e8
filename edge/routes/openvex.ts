import type { Context, Hono } from "hono";
import { buildId } from "../../shared/brand.ts";
import { openvexPath } from "../../shared/feed/paths.ts";
import { vexDocument, vexStatements } from "../../shared/feed/vex.ts";
import { encodeJson } from "../../shared/json.ts";
import { instant } from "../../shared/time.ts";
import type { AppDeps } from "../deps.ts";
import { answerContent } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { originOf } from "../http/origin.ts";
import { notFound, problem } from "../http/problem.ts";
import type { ShownUpdate } from "../pages/kernel.tsx";
import { feedKey } from "../store/keys.ts";
import { notCovered } from "./feed_in_force.ts";
import { ID } from "./patterns.ts";
import type { ShownKernels } from "./shown_kernels.ts";

type OpenvexDeps = Pick<AppDeps, "store" | "url">;

/** Of a document: each CVE costs some 400, and more for each update that names it. A year of a stable series has some 3,000. */
const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
const STATEMENT_BYTES = 500;
const MENTION_BYTES = 40;

/** For scanners that know which kernel a host runs, and not what was applied to it: the kernel as it was built. */
export function openvexRoutes(app: Hono, deps: OpenvexDeps, shown: ShownKernels): void {
  route(app, `/kernels/:id{${ID}}/openvex.json`, { get: (c) => openvex(c, deps, shown) });
}

async function openvex(c: Context, { store, url }: OpenvexDeps, shown: ShownKernels): Promise<Response> {
  const id = buildId(c.req.param("id") ?? "");
  const feed = await store.head(feedKey(id));
  if (!feed) return notCovered(id);
  const view = await shown.whole(id, feed);
  if (!view || documentBytes(view.updates) > MAX_DOCUMENT_BYTES) return notStated();
  const { kernel, version } = view;
  const updates = view.updates.map((update) => ({ ...update, supersedes: update.detail?.supersedes ?? [] }));
  const statements = vexStatements({ kernel, updates, applied: new Map(), products: [] });
  if (statements.length === 0)
    return notFound("no update for this kernel names a CVE: there is nothing to state");
  const origin = originOf(c.req.raw, url);
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

/** At the most, about: a statement names each update that names its CVE, and why it was recalled. */
function documentBytes(updates: readonly ShownUpdate[]): number {
  const cves = new Set(updates.flatMap((update) => update.cves));
  const mentions = updates.map(
    (update) => update.cves.length * (MENTION_BYTES + update.id.length + (update.recalled?.length ?? 0)),
  );
  return mentions.reduce((sum, bytes) => sum + bytes, cves.size * STATEMENT_BYTES);
}

const notStated = (): Response =>
  problem(404, {
    code: "limit",
    message: "the feed has more for this kernel than is stated here",
    hint: "`rebootless vex` on a host states all of it.",
  });

/** Not the time of the request: the same state of the feed is the same document, with the same tag. */
const newest = (updates: readonly ShownUpdate[]) =>
  instant(updates.reduce((latest, { published }) => Math.max(latest, published), 0));
