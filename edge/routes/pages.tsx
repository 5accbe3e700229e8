import type { Context, Hono } from "hono";
import { buildId, type UpdateId, updateId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { ownersOf } from "../../shared/tuf/key_words.ts";
import { parseBuildIdCursor, parseCveCursor, parsePositionCursor } from "../catalogue/cursors.ts";
import { isLive, type KernelListPage } from "../catalogue/entry.ts";
import { parseQuery } from "../catalogue/query.ts";
import type { AppDeps } from "../deps.ts";
import { answerContent } from "../http/answer.ts";
import { originOf } from "../http/origin.ts";
import { answerView } from "../http/page.ts";
import { notFound } from "../http/problem.ts";
import { route } from "../http/route.ts";
import { atom } from "../pages/atom.ts";
import { CvesPage } from "../pages/cves.tsx";
import { InstallPage, VerifyPage } from "../pages/guides.tsx";
import { HomePage } from "../pages/home.tsx";
import { KernelPage } from "../pages/kernel.tsx";
import { KernelsPage } from "../pages/kernels.tsx";
import { TrustPage } from "../pages/trust.tsx";
import { CvePage, UpdatePage } from "../pages/update.tsx";
import { lastMaintenance } from "../publish/maintenance.ts";
import { type FeedInForceDeps, feedInForce, notCovered } from "./feed_in_force.ts";
import type { NewestRoot } from "./newest_root.ts";
import {
  cveJson,
  cvesJson,
  guideJson,
  homeJson,
  kernelJson,
  kernelsJson,
  trustJson,
  updateJson,
} from "./page_json.ts";
import { BUILD_ID_PATTERN } from "./path_patterns.ts";
import { type ShownKernels, tooLarge } from "./shown_kernels.ts";

type PageDeps = FeedInForceDeps & Pick<AppDeps, "catalogue" | "trustedRoot" | "url" | "digests">;

/** The number of changes that the front page shows. */
const LATEST = 10;

/** Serves the pages, as HTML or as JSON, whichever is requested. */
export function pageRoutes(app: Hono, deps: PageDeps, root: NewestRoot, shown: ShownKernels): void {
  route(app, "/", { get: (c) => home(c, deps) });
  route(app, "/kernels", { get: (c) => kernels(c, deps) });
  route(app, `/kernels/:id{${BUILD_ID_PATTERN}}`, { get: (c) => kernel(c, deps, root, shown) });
  route(app, "/updates/:id{[a-z0-9.-]{1,64}}", { get: (c) => update(c, deps) });
  route(app, "/cves", { get: (c) => cves(c, deps) });
  route(app, "/cves/:cve{CVE-[0-9]{4}-[0-9]{4,10}}", { get: (c) => cve(c, deps) });
  route(app, "/trust", { get: (c) => trust(c, deps, root) });
  route(app, "/changes.atom", { get: (c) => changes(c, deps) });
  route(app, "/install", { get: (c) => guide(c, deps, InstallPage) });
  route(app, "/verify", { get: (c) => guide(c, deps, VerifyPage) });
}

async function home(c: Context, { catalogue, digests }: PageDeps): Promise<Response> {
  const [totals, changes] = await Promise.all([catalogue.totals(), catalogue.changes()]);
  const latest = changes.slice(0, LATEST);
  return answerView(
    c.req.raw,
    {
      json: () => homeJson(totals, latest),
      page: () => <HomePage totals={totals} changes={latest} />,
    },
    digests,
  );
}

/** Searches for part of a kernel's name or build ID, a CVE, or words of an update. */
async function kernels(c: Context, { catalogue, digests }: PageDeps): Promise<Response> {
  const text = c.req.query("q") ?? "";
  const query = parseQuery(text);
  const after = parseBuildIdCursor(c.req.query("after"));
  const [page, updates] = await Promise.all([
    query.cve === undefined ? catalogue.kernels(query, after) : kernelsWithFix(query.cve, catalogue),
    after === null ? catalogue.updates(query) : [],
  ]);
  const found = { query: text, cve: query.cve, page, updates };
  return answerView(
    c.req.raw,
    {
      json: () => kernelsJson(found),
      page: () => <KernelsPage {...found} />,
    },
    digests,
  );
}

/** Returns some kernels for which a CVE is fixed; its own page lists all of them. */
async function kernelsWithFix(cve: string, catalogue: PageDeps["catalogue"]): Promise<KernelListPage> {
  const { holdings } = await catalogue.fixesOf(cve, null);
  const live = holdings.filter(({ update: one }) => isLive(one)).map(({ line }) => line);
  const kernels = new Map(live.map((line) => [line.kernel.buildId, line]));
  return { kernels: [...kernels.values()], next: null };
}

/** Shows a kernel from its feed, so that the page shows what hosts receive. */
async function kernel(c: Context, deps: PageDeps, root: NewestRoot, shown: ShownKernels): Promise<Response> {
  const id = buildId(c.req.param("id") ?? "");
  const feed = await feedInForce(deps, root, id);
  if (!feed) return notCovered(id);
  const view = await shown.get(id, feed);
  if (!view) return tooLarge(id);
  return answerView(
    c.req.raw,
    { json: () => kernelJson(view), page: () => <KernelPage {...view} /> },
    deps.digests,
  );
}

async function update(c: Context, { catalogue, digests }: PageDeps): Promise<Response> {
  const name = c.req.param("id") ?? "";
  const id = updateIdOf(name);
  const page = id && (await catalogue.holdersOf(id, parsePositionCursor(c.req.query("after"))));
  if (!id || !page?.holdings[0]) return notFound(`no update is called ${name}`);
  return answerView(
    c.req.raw,
    {
      json: () => updateJson(id, page),
      page: () => <UpdatePage id={id} page={page} />,
    },
    digests,
  );
}

/** Returns the id of an update; undefined for text that cannot be one, which is then not found. */
function updateIdOf(text: string): UpdateId | undefined {
  try {
    return updateId(text);
  } catch {
    return undefined;
  }
}

async function cve(c: Context, { catalogue, digests }: PageDeps): Promise<Response> {
  const name = c.req.param("cve") ?? "";
  const page = await catalogue.fixesOf(name, parsePositionCursor(c.req.query("after")));
  if (!page.holdings[0]) return notFound(`no update of this feed fixes ${name}`);
  return answerView(
    c.req.raw,
    {
      json: () => cveJson(name, page),
      page: () => <CvePage cve={name} page={page} />,
    },
    digests,
  );
}

async function cves(c: Context, { catalogue, digests }: PageDeps): Promise<Response> {
  const page = await catalogue.cves(parseCveCursor(c.req.query("after")));
  return answerView(c.req.raw, { json: () => cvesJson(page), page: () => <CvesPage page={page} /> }, digests);
}

async function trust(c: Context, deps: PageDeps, newest: NewestRoot): Promise<Response> {
  const { root, sha256 } = await newest.verified();
  const state = {
    root: { version: root.version, expires: root.expires, sha256 },
    firstRoot: await deps.digests.sha256(deps.trustedRoot),
    roles: [...root.roles].map(([name, role]) => ({
      name,
      ...role,
      owners: ownersOf(role.keyIds, root.keys),
    })),
    totals: await deps.catalogue.totals(),
    lastRun: await lastMaintenance(deps.store),
  };
  return answerView(
    c.req.raw,
    { json: () => trustJson(state), page: () => <TrustPage {...state} /> },
    deps.digests,
  );
}

async function changes(c: Context, { catalogue, clock, url, digests }: PageDeps): Promise<Response> {
  const content = utf8(atom(await catalogue.changes(), originOf(c.req.raw, url), clock()));
  return answerContent(c.req.raw, content, { lifetime: "moving", type: "application/atom+xml" }, digests);
}

async function guide(
  c: Context,
  { trustedRoot, url, digests }: PageDeps,
  Guide: typeof InstallPage,
): Promise<Response> {
  const props = { feed: `${originOf(c.req.raw, url)}/`, firstRoot: await digests.sha256(trustedRoot) };
  return answerView(c.req.raw, { json: () => guideJson(props), page: () => <Guide {...props} /> }, digests);
}
