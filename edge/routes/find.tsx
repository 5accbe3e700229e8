import type { Context, Hono } from "hono";
import { buildId, type UpdateId, updateId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { ownersOf } from "../../shared/tuf/key_words.ts";
import { isLive, type KernelPage } from "../catalogue/entry.ts";
import { cveOfText, placeOfText } from "../catalogue/place.ts";
import { cursorOf, parseQuery } from "../catalogue/query.ts";
import type { AppDeps } from "../deps.ts";
import { answerContent } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { originOf } from "../http/origin.ts";
import { answerView } from "../http/page.ts";
import { notFound } from "../http/problem.ts";
import { atom } from "../pages/atom.ts";
import { Cves } from "../pages/cves.tsx";
import { Install, Verify } from "../pages/guides.tsx";
import { Home } from "../pages/home.tsx";
import { Kernel } from "../pages/kernel.tsx";
import { Kernels } from "../pages/kernels.tsx";
import { Trust } from "../pages/trust.tsx";
import { CvePage, UpdatePage } from "../pages/update.tsx";
import { lastRound } from "../publish/round.ts";
import { type FeedInForceDeps, feedInForce, notCovered } from "./feed_in_force.ts";
import type { NewestRoot } from "./newest_root.ts";
import { ID } from "./patterns.ts";
import { type ShownKernels, tooLarge } from "./shown_kernels.ts";
import * as views from "./views.ts";

type FindDeps = FeedInForceDeps & Pick<AppDeps, "catalogue" | "trustedRoot" | "url">;

/** Changes shown to who comes in at the front door. */
const LATEST = 10;

/** What people look for, and programs on their behalf: a page or JSON, by what is asked for. */
export function findRoutes(app: Hono, deps: FindDeps, root: NewestRoot, shown: ShownKernels): void {
  route(app, "/", { get: (c) => home(c, deps) });
  route(app, "/kernels", { get: (c) => kernels(c, deps) });
  route(app, `/kernels/:id{${ID}}`, { get: (c) => kernel(c, deps, root, shown) });
  route(app, "/updates/:id{[a-z0-9.-]{1,64}}", { get: (c) => update(c, deps) });
  route(app, "/cves", { get: (c) => cves(c, deps) });
  route(app, "/cves/:cve{CVE-[0-9]{4}-[0-9]{4,10}}", { get: (c) => cve(c, deps) });
  route(app, "/trust", { get: (c) => trust(c, deps, root) });
  route(app, "/changes.atom", { get: (c) => changes(c, deps) });
  route(app, "/install", { get: (c) => guide(c, deps, Install) });
  route(app, "/verify", { get: (c) => guide(c, deps, Verify) });
}

async function home(c: Context, { catalogue }: FindDeps): Promise<Response> {
  const [totals, changes] = await Promise.all([catalogue.totals(), catalogue.changes()]);
  const latest = changes.slice(0, LATEST);
  return answerView(c.req.raw, {
    json: () => views.home(totals, latest),
    page: () => <Home totals={totals} changes={latest} />,
  });
}

/** Whatever somebody has in hand: something of a kernel, a CVE, or words of an update. */
async function kernels(c: Context, { catalogue }: FindDeps): Promise<Response> {
  const text = c.req.query("q") ?? "";
  const query = parseQuery(text);
  const after = cursorOf(c.req.query("after"));
  const [page, updates] = await Promise.all([
    query.cve === undefined ? catalogue.kernels(query, after) : kernelsWithout(query.cve, catalogue),
    after === null ? catalogue.updates(query) : [],
  ]);
  const found = { query: text, cve: query.cve, page, updates };
  return answerView(c.req.raw, {
    json: () => views.kernels(found),
    page: () => <Kernels {...found} />,
  });
}

/** Some kernels for which a CVE is fixed; all of them are on its own page. */
async function kernelsWithout(cve: string, catalogue: FindDeps["catalogue"]): Promise<KernelPage> {
  const { holdings } = await catalogue.fixesOf(cve, null);
  const live = holdings.filter(({ update: one }) => isLive(one)).map(({ line }) => line);
  const kernels = new Map(live.map((line) => [line.kernel.buildId, line]));
  return { kernels: [...kernels.values()], next: null };
}

/** From the feed itself: what is shown is what hosts are told. */
async function kernel(c: Context, deps: FindDeps, root: NewestRoot, shown: ShownKernels): Promise<Response> {
  const id = buildId(c.req.param("id") ?? "");
  const feed = await feedInForce(deps, root, id);
  if (!feed) return notCovered(id);
  const view = await shown.get(id, feed);
  if (!view) return tooLarge(id);
  return answerView(c.req.raw, { json: () => views.kernel(view), page: () => <Kernel {...view} /> });
}

async function update(c: Context, { catalogue }: FindDeps): Promise<Response> {
  const name = c.req.param("id") ?? "";
  const id = updateIdOf(name);
  const page = id && (await catalogue.holdersOf(id, placeOfText(c.req.query("after"))));
  if (!id || !page?.holdings[0]) return notFound(`no update is called ${name}`);
  return answerView(c.req.raw, {
    json: () => views.update(id, page),
    page: () => <UpdatePage id={id} page={page} />,
  });
}

/** Undefined for what no update can be called: it is not found, like any other. */
function updateIdOf(text: string): UpdateId | undefined {
  try {
    return updateId(text);
  } catch {
    return undefined;
  }
}

async function cve(c: Context, { catalogue }: FindDeps): Promise<Response> {
  const name = c.req.param("cve") ?? "";
  const page = await catalogue.fixesOf(name, placeOfText(c.req.query("after")));
  if (!page.holdings[0]) return notFound(`no update of this feed fixes ${name}`);
  return answerView(c.req.raw, {
    json: () => views.cve(name, page),
    page: () => <CvePage cve={name} page={page} />,
  });
}

async function cves(c: Context, { catalogue }: FindDeps): Promise<Response> {
  const page = await catalogue.cves(cveOfText(c.req.query("after")));
  return answerView(c.req.raw, { json: () => views.cves(page), page: () => <Cves page={page} /> });
}

async function trust(c: Context, deps: FindDeps, newest: NewestRoot): Promise<Response> {
  const { root, sha256 } = await newest.verified();
  const state = {
    root: { version: root.version, expires: root.expires, sha256 },
    firstRoot: await sha256Of(deps.trustedRoot),
    roles: [...root.roles].map(([name, role]) => ({
      name,
      ...role,
      owners: ownersOf(role.keyIds, root.keys),
    })),
    totals: await deps.catalogue.totals(),
    round: await lastRound(deps.store),
  };
  return answerView(c.req.raw, { json: () => views.trust(state), page: () => <Trust {...state} /> });
}

async function changes(c: Context, { catalogue, clock, url }: FindDeps): Promise<Response> {
  const content = utf8(atom(await catalogue.changes(), originOf(c.req.raw, url), clock()));
  return answerContent(c.req.raw, content, { lifetime: "moving", type: "application/atom+xml" });
}

async function guide(c: Context, { trustedRoot, url }: FindDeps, Guide: typeof Install): Promise<Response> {
  const props = { feed: `${originOf(c.req.raw, url)}/`, firstRoot: await sha256Of(trustedRoot) };
  return answerView(c.req.raw, { json: () => views.guide(props), page: () => <Guide {...props} /> });
}
