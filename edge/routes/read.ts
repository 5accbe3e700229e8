import type { Context, Hono } from "hono";
import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import type { AppDeps } from "../app.ts";
import { answerBytes, answerContent, type File, wanted, wantsWhole } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { notFound } from "../http/problem.ts";
import { readFeed, readKept, type StoredFeed } from "../publish/stored_feed.ts";
import { artifactKey, feedKey, rootKey } from "../store/keys.ts";
import type { Stored } from "../store/store.ts";
import { feedInForce, notCovered } from "./feed_in_force.ts";
import type { KnownFeeds } from "./known_feeds.ts";
import type { NewestRoot } from "./newest_root.ts";
import { ID, SHA256, VERSION } from "./patterns.ts";

type Kind = Pick<File, "lifetime" | "type">;
/** What is in force: it moves. */
const MOVING: Kind = { lifetime: "moving", type: "application/json" };
/** Metadata named by its version, manifests by their digest. */
const FIXED: Kind = { lifetime: "immutable", type: "application/json" };
const MODULE: Kind = { lifetime: "immutable", type: "application/octet-stream" };

/** Everything that hosts, TUF clients and mirrors read. */
export function readRoutes(app: Hono, deps: AppDeps, root: NewestRoot, known: KnownFeeds): void {
  const kernel = `/kernels/:id{${ID}}`;
  route(app, `${kernel}/feed.json`, { get: (c) => feed(c, deps, root, known) });
  route(app, `${kernel}/metadata/timestamp.json`, { get: (c) => timestamp(c, deps, root) });
  route(app, `${kernel}/metadata/:file{${VERSION}\\.root\\.json}`, { get: (c) => rootFile(c, deps) });
  route(app, `${kernel}/metadata/:file{${VERSION}\\.(?:snapshot|targets)\\.json}`, {
    get: (c) => metadata(c, deps),
  });
  route(app, `${kernel}/targets/kernels/:file{${SHA256}\\.[0-9a-f]+\\.json}`, {
    get: (c) => manifest(c, deps),
  });
  route(app, `/artifacts/:sha256{${SHA256}}`, { get: (c) => artifact(c, deps) });
  route(app, `/root/:file{${VERSION}\\.root\\.json}`, { get: (c) => rootFile(c, deps) });
}

async function feed(c: Context, deps: AppDeps, root: NewestRoot, known: KnownFeeds): Promise<Response> {
  const id = kernelOf(c);
  if (await known.isFresh(id)) {
    const answer = await stored(c, deps, feedKey(id), MOVING);
    if (answer) return answer;
  }
  const asked = deps.clock();
  const inForce = await feedInForce(deps, root, id);
  if (!inForce) return notCovered(id);
  known.remember(id, inForce, asked);
  return (await stored(c, deps, feedKey(id), MOVING, inForce)) ?? notCovered(id);
}

/** Whoever asks for single files may hold the newest root already: the timestamp must be of that one. */
async function timestamp(c: Context, deps: AppDeps, root: NewestRoot): Promise<Response> {
  const id = kernelOf(c);
  root.forget();
  await feedInForce(deps, root, id);
  const current = await readFeed(deps.store, id);
  return current ? bytes(c, current.bundle.timestamp, MOVING) : notCovered(id);
}

/** The one in force comes out of the bundle, older ones from where they were kept; a newer one does not exist yet. */
async function metadata(c: Context, deps: AppDeps): Promise<Response> {
  const id = kernelOf(c);
  const current = await readFeed(deps.store, id);
  if (!current) return notCovered(id);
  const [digits, name] = param(c, "file").split(".");
  const role = name === "snapshot" ? "snapshot" : "targets";
  const version = Number(digits);
  if (version === current.versions[role]) return bytes(c, current.bundle[role], FIXED);
  const old =
    version < current.versions[role] && (await readKept(deps.store, id, (kept) => kept[role] === version));
  return old ? bytes(c, old[role], FIXED) : notFound(`no ${role} of this version`);
}

async function manifest(c: Context, deps: AppDeps): Promise<Response> {
  const id = kernelOf(c);
  const [digits, named] = param(c, "file").split(".");
  const sha256 = sha256Hex(digits ?? "");
  if (named !== id) return notFound("no such target");
  const current = await readFeed(deps.store, id);
  if (!current) return notCovered(id);
  if (await isManifest(current, sha256)) return bytes(c, current.bundle.manifest, FIXED);
  const old = await readKept(deps.store, id, (kept) => kept.manifest === sha256);
  return old ? bytes(c, old.manifest, FIXED) : notFound("no such target");
}

async function artifact(c: Context, deps: AppDeps): Promise<Response> {
  const sha256 = sha256Hex(param(c, "sha256"));
  return (await stored(c, deps, artifactKey(sha256), MODULE)) ?? notFound("no such artifact");
}

/** The roots are the same for all kernels. */
async function rootFile(c: Context, deps: AppDeps): Promise<Response> {
  const version = Number.parseInt(param(c, "file"), 10);
  if (version === 1) return bytes(c, deps.trustedRoot, FIXED);
  return (await stored(c, deps, rootKey(version), FIXED)) ?? notFound(`no root version ${version}`);
}

/**
 * A stored file, or undefined when there is none. The headers are of what is sent: between the look and the
 * reading what moves may be replaced, so a part of it is cut out of the bytes that were read.
 */
async function stored(
  c: Context,
  { store }: AppDeps,
  key: string,
  kind: Kind,
  known?: Stored,
): Promise<Response | undefined> {
  const seen = wantsWhole(c.req.raw) ? undefined : (known ?? (await store.head(key)));
  const want = seen && wanted(c.req.raw, { ...seen, ...kind });
  if (want?.kind === "answered") return want.response;
  if (want?.range && kind.lifetime === "moving") {
    const file = await store.get(key);
    return file && bytes(c, await file.bytes(), kind);
  }
  const file = await store.get(key, want?.range);
  return file && answerBytes({ ...file, ...kind }, want?.range, file.stream());
}

const bytes = (c: Context, content: Uint8Array, kind: Kind): Promise<Response> =>
  answerContent(c.req.raw, content, kind);

const isManifest = async ({ bundle }: StoredFeed, sha256: Sha256Hex): Promise<boolean> =>
  (await sha256Of(bundle.manifest)) === sha256;

const kernelOf = (c: Context): BuildId => buildId(param(c, "id"));
const param = (c: Context, name: string): string => c.req.param(name) ?? "";
