import type { Context, Hono } from "hono";
import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { AppDeps } from "../deps.ts";
import {
  answerBytes,
  answerContent,
  checkConditions,
  type ServedFile,
  wantsWholeFile,
} from "../http/answer.ts";
import { LruCache } from "../http/lru_cache.ts";
import type { MemoryBudget } from "../http/memory_budget.ts";
import { notFound } from "../http/problem.ts";
import { route } from "../http/route.ts";
import { findPreviousFeed, readFeedHead, readPreviousHead } from "../publish/stored_feed.ts";
import { artifactKey, feedKey, rootKey } from "../store/keys.ts";
import type { Stored, StoredFile } from "../store/store.ts";
import { type FeedInForceDeps, feedInForce, notCovered } from "./feed_in_force.ts";
import type { KnownFeeds } from "./known_feeds.ts";
import type { NewestRoot } from "./newest_root.ts";
import { BUILD_ID_PATTERN, SHA256_PATTERN, VERSION_PATTERN } from "./path_patterns.ts";

type FeedFileDeps = FeedInForceDeps & Pick<AppDeps, "trustedRoot" | "digests">;

type Kind = Pick<ServedFile, "lifetime" | "type">;
/** The files in force, which change. */
const MOVING: Kind = { lifetime: "moving", type: "application/json" };
/**
 * The metadata files, which are named by their versions, and the manifests, which are named by their digests.
 */
const FIXED: Kind = { lifetime: "immutable", type: "application/json" };
const MODULE: Kind = { lifetime: "immutable", type: "application/octet-stream" };

/** The context that these routes share with others. */
interface Shared {
  readonly known: KnownFeeds;
  readonly budget: MemoryBudget;
}

/** The manifests in memory, and the bound of the memory for files. */
interface Memory {
  readonly budget: MemoryBudget;
  readonly manifests: LruCache<Uint8Array>;
}

/**
 * The number of manifests in memory, those requested last. Clients that fetch slowly share the same bytes.
 */
const MAX_MANIFESTS = 256;

/** Serves the files that hosts, TUF clients and mirrors read. */
export function feedFileRoutes(
  app: Hono,
  deps: FeedFileDeps,
  root: NewestRoot,
  { known, budget }: Shared,
): void {
  const memory = { budget, manifests: new LruCache<Uint8Array>(MAX_MANIFEST_BYTES, MAX_MANIFESTS) };
  const kernel = `/kernels/:id{${BUILD_ID_PATTERN}}`;
  route(app, `${kernel}/feed.json`, { get: (c) => feed(c, deps, root, known) });
  route(app, `${kernel}/metadata/timestamp.json`, { get: (c) => timestamp(c, deps, root) });
  route(app, `${kernel}/metadata/:file{${VERSION_PATTERN}\\.root\\.json}`, { get: (c) => rootFile(c, deps) });
  route(app, `${kernel}/metadata/:file{${VERSION_PATTERN}\\.(?:snapshot|targets)\\.json}`, {
    get: (c) => metadata(c, deps),
  });
  route(app, `${kernel}/targets/kernels/:file{${SHA256_PATTERN}\\.[0-9a-f]+\\.json}`, {
    get: (c) => manifest(c, deps, memory),
  });
  route(app, `/artifacts/:sha256{${SHA256_PATTERN}}`, { get: (c) => artifact(c, deps) });
  route(app, `/root/:file{${VERSION_PATTERN}\\.root\\.json}`, { get: (c) => rootFile(c, deps) });
}

async function feed(c: Context, deps: FeedFileDeps, root: NewestRoot, known: KnownFeeds): Promise<Response> {
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

/** Serves the timestamp alone. A client of single files may know the newest root already: the timestamp must be signed for it. */
async function timestamp(c: Context, deps: FeedFileDeps, root: NewestRoot): Promise<Response> {
  const id = kernelOf(c);
  root.forget();
  await feedInForce(deps, root, id);
  const current = await readFeedHead(deps.store, id);
  return current ? bytes(c, current.bundle.timestamp, MOVING, deps) : notCovered(id);
}

/** Serves a snapshot or targets: from the bundle in force, or from one that was in force before. */
async function metadata(c: Context, deps: FeedFileDeps): Promise<Response> {
  const id = kernelOf(c);
  const current = await readFeedHead(deps.store, id);
  if (!current) return notCovered(id);
  const [digits, name] = param(c, "file").split(".");
  const role = name === "snapshot" ? "snapshot" : "targets";
  const version = Number(digits);
  if (version === current.versions[role]) return bytes(c, current.bundle[role], FIXED, deps);
  const old =
    version < current.versions[role] &&
    (await readPreviousHead(deps.store, id, (previous) => previous[role] === version));
  return old ? bytes(c, old[role], FIXED, deps) : notFound(`no ${role} of this version`);
}

/**
 * Serves a manifest. It is named by its digest, so a request for its headers, or for an unchanged manifest,
 * needs no read of it.
 */
async function manifest(
  c: Context,
  deps: Pick<AppDeps, "store" | "digests">,
  { budget, manifests }: Memory,
): Promise<Response> {
  const { store } = deps;
  const id = kernelOf(c);
  const [digits, named] = param(c, "file").split(".");
  const sha256 = sha256Hex(digits ?? "");
  if (named !== id) return notFound("no such target");
  const known = manifests.get(id, sha256);
  if (known) return bytes(c, known, FIXED, deps);
  const current = await readFeedHead(store, id);
  if (!current) return notCovered(id);
  const target = current.targets.targets.get(manifestTarget(id));
  const isCurrent = target?.hashes.get("sha256") === sha256;
  const want = isCurrent
    ? checkConditions(c.req.raw, { ...FIXED, sha256, length: target.length })
    : undefined;
  if (want?.kind === "answered") return want.response;
  const read = ({ key, length }: { readonly key: string; readonly length: number }) =>
    budget.hold(length, async () => {
      const found =
        manifests.get(id, sha256) ?? (await manifestIn(await store.get(key), sha256, deps.digests));
      if (found) manifests.put(id, sha256, found, found.length);
      return found;
    });
  const now = isCurrent ? await read({ key: feedKey(id), length: current.length }) : undefined;
  if (now) return bytes(c, now, FIXED, deps);
  const old = await findPreviousFeed(store, id, (previous) => previous.manifest === sha256);
  const then = old && (await read(old));
  return then ? bytes(c, then, FIXED, deps) : notFound("no such target");
}

/** Returns the manifest of a stored bundle, if it has this digest. */
async function manifestIn(
  file: StoredFile | undefined,
  sha256: Sha256Hex,
  digests: Digests,
): Promise<Uint8Array | undefined> {
  const found = file && decodeBundle(await file.bytes()).manifest;
  return found && (await digests.sha256(found)) === sha256 ? found : undefined;
}

async function artifact(c: Context, deps: FeedFileDeps): Promise<Response> {
  const sha256 = sha256Hex(param(c, "sha256"));
  return (await stored(c, deps, artifactKey(sha256), MODULE)) ?? notFound("no such artifact");
}

/** Serves a root, which is the same for all kernels. */
async function rootFile(c: Context, deps: FeedFileDeps): Promise<Response> {
  const version = Number.parseInt(param(c, "file"), 10);
  if (version === 1) return bytes(c, deps.trustedRoot, FIXED, deps);
  return (await stored(c, deps, rootKey(version), FIXED)) ?? notFound(`no root version ${version}`);
}

/**
 * Serves a stored file. Returns undefined if it does not exist. The headers describe the bytes that are sent:
 * if the file was replaced between the look-up and the read, a request for a part is answered with the whole
 * of the new file.
 */
async function stored(
  c: Context,
  { store }: Pick<AppDeps, "store">,
  key: string,
  kind: Kind,
  known?: Stored,
): Promise<Response | undefined> {
  const seen = wantsWholeFile(c.req.raw) ? undefined : (known ?? (await store.head(key)));
  const want = seen && checkConditions(c.req.raw, { ...seen, ...kind });
  if (want?.kind === "answered") return want.response;
  if (want?.range) {
    // A shorter file, by which it was replaced meanwhile, may have no such part.
    const part = await store.get(key, want.range).catch(() => undefined);
    if (part?.sha256 === seen?.sha256)
      return part && answerBytes({ ...part, ...kind }, want.range, part.stream());
    await part?.stream().cancel();
  }
  const file = await store.get(key);
  return file && answerBytes({ ...file, ...kind }, undefined, file.stream());
}

const bytes = (
  c: Context,
  content: Uint8Array,
  kind: Kind,
  { digests }: Pick<AppDeps, "digests">,
): Promise<Response> => answerContent(c.req.raw, content, kind, digests);

const kernelOf = (c: Context): BuildId => buildId(param(c, "id"));
const param = (c: Context, name: string): string => c.req.param(name) ?? "";
