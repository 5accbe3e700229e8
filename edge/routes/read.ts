import type { Context, Hono } from "hono";
import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { AppDeps } from "../deps.ts";
import { answerBytes, answerContent, type File, wanted, wantsWhole } from "../http/answer.ts";
import { Kept } from "../http/kept.ts";
import { route } from "../http/methods.ts";
import { notFound } from "../http/problem.ts";
import type { Room } from "../http/room.ts";
import { findKept, readFeedHead, readKeptHead } from "../publish/stored_feed.ts";
import { artifactKey, feedKey, rootKey } from "../store/keys.ts";
import type { Stored, StoredFile } from "../store/store.ts";
import { type FeedInForceDeps, feedInForce, notCovered } from "./feed_in_force.ts";
import type { KnownFeeds } from "./known_feeds.ts";
import type { NewestRoot } from "./newest_root.ts";
import { ID, SHA256, VERSION } from "./patterns.ts";

type ReadDeps = FeedInForceDeps & Pick<AppDeps, "trustedRoot">;

type Kind = Pick<File, "lifetime" | "type">;
/** What is in force: it moves. */
const MOVING: Kind = { lifetime: "moving", type: "application/json" };
/** Metadata named by its version, manifests by their digest. */
const FIXED: Kind = { lifetime: "immutable", type: "application/json" };
const MODULE: Kind = { lifetime: "immutable", type: "application/octet-stream" };

/** What these routes share with others. */
interface Shared {
  readonly known: KnownFeeds;
  readonly room: Room;
}

/** What is in memory, and what may be. */
interface Memory {
  readonly room: Room;
  readonly manifests: Kept<Uint8Array>;
}

/** Manifests kept of those that were asked for last: who fetches slowly holds the very bytes that others do. */
const MAX_MANIFESTS = 256;

/** Everything that hosts, TUF clients and mirrors read. */
export function readRoutes(app: Hono, deps: ReadDeps, root: NewestRoot, { known, room }: Shared): void {
  const memory = { room, manifests: new Kept<Uint8Array>(MAX_MANIFEST_BYTES, MAX_MANIFESTS) };
  const kernel = `/kernels/:id{${ID}}`;
  route(app, `${kernel}/feed.json`, { get: (c) => feed(c, deps, root, known) });
  route(app, `${kernel}/metadata/timestamp.json`, { get: (c) => timestamp(c, deps, root) });
  route(app, `${kernel}/metadata/:file{${VERSION}\\.root\\.json}`, { get: (c) => rootFile(c, deps) });
  route(app, `${kernel}/metadata/:file{${VERSION}\\.(?:snapshot|targets)\\.json}`, {
    get: (c) => metadata(c, deps),
  });
  route(app, `${kernel}/targets/kernels/:file{${SHA256}\\.[0-9a-f]+\\.json}`, {
    get: (c) => manifest(c, deps, memory),
  });
  route(app, `/artifacts/:sha256{${SHA256}}`, { get: (c) => artifact(c, deps) });
  route(app, `/root/:file{${VERSION}\\.root\\.json}`, { get: (c) => rootFile(c, deps) });
}

async function feed(c: Context, deps: ReadDeps, root: NewestRoot, known: KnownFeeds): Promise<Response> {
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
async function timestamp(c: Context, deps: ReadDeps, root: NewestRoot): Promise<Response> {
  const id = kernelOf(c);
  root.forget();
  await feedInForce(deps, root, id);
  const current = await readFeedHead(deps.store, id);
  return current ? bytes(c, current.bundle.timestamp, MOVING) : notCovered(id);
}

/** The one in force comes out of the bundle, older ones from where they were kept; a newer one does not exist yet. */
async function metadata(c: Context, deps: ReadDeps): Promise<Response> {
  const id = kernelOf(c);
  const current = await readFeedHead(deps.store, id);
  if (!current) return notCovered(id);
  const [digits, name] = param(c, "file").split(".");
  const role = name === "snapshot" ? "snapshot" : "targets";
  const version = Number(digits);
  if (version === current.versions[role]) return bytes(c, current.bundle[role], FIXED);
  const old =
    version < current.versions[role] &&
    (await readKeptHead(deps.store, id, (kept) => kept[role] === version));
  return old ? bytes(c, old[role], FIXED) : notFound(`no ${role} of this version`);
}

/** Its name is the digest of its bytes: who has them, or wants the headers, is answered without reading it. */
async function manifest(
  c: Context,
  { store }: Pick<AppDeps, "store">,
  { room, manifests }: Memory,
): Promise<Response> {
  const id = kernelOf(c);
  const [digits, named] = param(c, "file").split(".");
  const sha256 = sha256Hex(digits ?? "");
  if (named !== id) return notFound("no such target");
  const known = manifests.get(id, sha256);
  if (known) return bytes(c, known, FIXED);
  const current = await readFeedHead(store, id);
  if (!current) return notCovered(id);
  const target = current.targets.targets.get(manifestTarget(id));
  const isCurrent = target?.hashes.get("sha256") === sha256;
  const want = isCurrent ? wanted(c.req.raw, { ...FIXED, sha256, length: target.length }) : undefined;
  if (want?.kind === "answered") return want.response;
  const read = ({ key, length }: { readonly key: string; readonly length: number }) =>
    room.hold(length, async () => {
      const found = manifests.get(id, sha256) ?? (await manifestIn(await store.get(key), sha256));
      if (found) manifests.put(id, sha256, found, found.length);
      return found;
    });
  const now = isCurrent ? await read({ key: feedKey(id), length: current.length }) : undefined;
  if (now) return bytes(c, now, FIXED);
  const old = await findKept(store, id, (kept) => kept.manifest === sha256);
  const then = old && (await read(old));
  return then ? bytes(c, then, FIXED) : notFound("no such target");
}

/** Of a stored bundle, if it is this one. */
async function manifestIn(file: StoredFile | undefined, sha256: Sha256Hex): Promise<Uint8Array | undefined> {
  const found = file && decodeBundle(await file.bytes()).manifest;
  return found && (await sha256Of(found)) === sha256 ? found : undefined;
}

async function artifact(c: Context, deps: ReadDeps): Promise<Response> {
  const sha256 = sha256Hex(param(c, "sha256"));
  return (await stored(c, deps, artifactKey(sha256), MODULE)) ?? notFound("no such artifact");
}

/** The roots are the same for all kernels. */
async function rootFile(c: Context, deps: ReadDeps): Promise<Response> {
  const version = Number.parseInt(param(c, "file"), 10);
  if (version === 1) return bytes(c, deps.trustedRoot, FIXED);
  return (await stored(c, deps, rootKey(version), FIXED)) ?? notFound(`no root version ${version}`);
}

/**
 * A stored file, or undefined when there is none. The headers are of what is sent: where what moves was replaced between the
 * look and the reading, the whole of the new one is the answer to who asked for a part.
 */
async function stored(
  c: Context,
  { store }: Pick<AppDeps, "store">,
  key: string,
  kind: Kind,
  known?: Stored,
): Promise<Response | undefined> {
  const seen = wantsWhole(c.req.raw) ? undefined : (known ?? (await store.head(key)));
  const want = seen && wanted(c.req.raw, { ...seen, ...kind });
  if (want?.kind === "answered") return want.response;
  if (want?.range) {
    // Where it was replaced by something shorter there may be no such part.
    const part = await store.get(key, want.range).catch(() => undefined);
    if (part?.sha256 === seen?.sha256)
      return part && answerBytes({ ...part, ...kind }, want.range, part.stream());
    await part?.stream().cancel();
  }
  const file = await store.get(key);
  return file && answerBytes({ ...file, ...kind }, undefined, file.stream());
}

const bytes = (c: Context, content: Uint8Array, kind: Kind): Promise<Response> =>
  answerContent(c.req.raw, content, kind);

const kernelOf = (c: Context): BuildId => buildId(param(c, "id"));
const param = (c: Context, name: string): string => c.req.param(name) ?? "";
