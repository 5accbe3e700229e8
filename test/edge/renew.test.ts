import { beforeEach, describe, expect, it } from "vitest";
import { SNAPSHOT_LIFETIME, TIMESTAMP_LIFETIME } from "../../edge/publish/lifetimes.ts";
import { versionsOf } from "../../edge/publish/stored_feed.ts";
import { MemoryStore } from "../../edge/store/memory_store.ts";
import type { Notes, Store } from "../../edge/store/store.ts";
import { nodeVerifier } from "../../node/verifier.ts";
import { keyFromSeed } from "../../publisher/keys/key_file.ts";
import { signWithSecrets } from "../../publisher/keys/sign.ts";
import type { BuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { BUNDLED_ROOTS, type Bundle } from "../../shared/feed/bundle.ts";
import { feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { encodePublication } from "../../shared/feed/publication.ts";
import { DAY, type Instant, instant, MINUTE } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import { parseEnvelope } from "../../shared/tuf/schema.ts";
import { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import { type Answer, errorOf, json } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  signedTargets,
  someBuildId,
  tokenFor,
} from "../support/edge/repository.ts";
import { nextRoot } from "../support/edge/roots.ts";

const START = instant(Date.UTC(2026, 0, 1));
let now: Instant;
let made: Ceremony;
let edge: InProcess;
let store: MemoryStore;
let id: BuildId;

beforeEach(async () => {
  now = START;
  made = await ceremony(START);
  store = new MemoryStore();
  edge = await inProcess(made, () => now, { store });
  id = someBuildId();
  expect((await publishNext(edge, 0)).status).toBe(201);
});

async function publishNext(at: InProcess, base: number, of: Ceremony = made): Promise<Answer> {
  const manifest = manifestBytes(id, []);
  const expires = instant(now + 300 * DAY);
  const targets = await signedTargets(of, id, manifest, { version: base + 1, expires });
  return post(at, `/kernels/${id}/publish`, { buildId: id, base, targets, manifest });
}

/** Publishes with a token made by the moved clock. */
async function post(
  at: InProcess,
  path: string,
  content: Uint8Array | Parameters<typeof encodePublication>[0],
) {
  const body = content instanceof Uint8Array ? content : encodePublication(content);
  const token = await tokenFor(made, "POST", path, body, { now });
  return at.send("POST", path, { body, headers: { Authorization: `Bearer ${token}` } });
}

/** The audit log names who asked for it. */
const visible = () => store.keys().filter((key) => !key.startsWith("audit/"));

const poll = (at: InProcess = edge, headers: Record<string, string> = {}) =>
  at.send("GET", `/${feedPath(id)}`, { headers });

/** The client's workflow at the test's time, from version 1 of the root. */
async function verified(bundle: Bundle): Promise<TrustedSet> {
  const set = await TrustedSet.fromRoot(made.root, nodeVerifier, enforcedAt(now));
  for (const root of bundle.roots) await set.updateRoot(root);
  await set.updateTimestamp(bundle.timestamp);
  await set.updateSnapshot(bundle.snapshot);
  await set.updateTargets(bundle.targets);
  return set;
}

describe("a feed that is read as time goes by", () => {
  it("stays as it is for half of the timestamp's life", async () => {
    const before = await poll();
    now = instant(START + TIMESTAMP_LIFETIME / 2 - MINUTE);
    expect(await poll()).toEqual(before);
  });

  it("has a new timestamp after it, and the old snapshot", async () => {
    const before = await poll();
    now = instant(START + TIMESTAMP_LIFETIME / 2);
    const after = await poll(edge, { "If-None-Match": before.headers.get("etag") ?? "" });
    expect(after.status).toBe(200);
    const bundle = await edge.publisher.feed(id);
    expect(versionsOf(bundle)).toEqual({ timestamp: 2, snapshot: 1, targets: 1 });
    await verified(bundle);
  });

  it("is signed again once, however many read at the same time", async () => {
    now = instant(START + TIMESTAMP_LIFETIME / 2);
    const answers = await Promise.all(Array.from({ length: 8 }, () => poll()));
    expect(new Set(answers.map((answer) => answer.headers.get("etag"))).size).toBe(1);
    expect(versionsOf(await edge.publisher.feed(id)).timestamp).toBe(2);
  });

  it("has a new snapshot too after half of the snapshot's life", async () => {
    now = instant(START + SNAPSHOT_LIFETIME / 2);
    const bundle = await edge.publisher.feed(id);
    expect(versionsOf(bundle)).toEqual({ timestamp: 2, snapshot: 2, targets: 1 });
    await verified(bundle);
  });

  it("lives on after everything that the edge had signed is long expired", async () => {
    now = instant(START + 200 * DAY);
    await verified(await edge.publisher.feed(id));
    expect((await publishNext(edge, 1)).status).toBe(201);
    await verified(await edge.publisher.feed(id));
  });

  it("has a timestamp in force also after its targets have expired: that is what hosts are to learn", async () => {
    now = instant(START + 320 * DAY);
    const set = await TrustedSet.fromRoot(made.root, nodeVerifier, enforcedAt(now));
    const bundle = await edge.publisher.feed(id);
    await set.updateTimestamp(bundle.timestamp);
    await set.updateSnapshot(bundle.snapshot);
    await expect(set.updateTargets(bundle.targets)).rejects.toMatchObject({
      code: "expired",
      message: expect.stringContaining("targets"),
    });
    expect((await publishNext(edge, 1)).status).toBe(201);
    await verified(await edge.publisher.feed(id));
  });

  it("is renewed by those who read timestamp.json", async () => {
    now = instant(START + TIMESTAMP_LIFETIME / 2);
    const answer = await edge.send("GET", `/${metadataPath(id)}/timestamp.json`);
    expect(answer.bytes).toEqual((await edge.publisher.feed(id)).timestamp);
    expect(versionsOf(await edge.publisher.feed(id)).timestamp).toBe(2);
  });
});

describe("a feed that cannot be signed again", () => {
  it("is served as it is, for hosts to judge, also past its expiry", async () => {
    const broken = await inProcess(made, () => now, {
      store: edge.store,
      queue: (real) => ({ ...real, renew: async () => Promise.reject(new Error("the queue is gone")) }),
    });
    const before = await poll();
    now = instant(START + TIMESTAMP_LIFETIME - MINUTE);
    expect(await poll(broken)).toEqual(before);
    expect(broken.reports).toHaveLength(1);
    now = instant(START + TIMESTAMP_LIFETIME);
    expect(await poll(broken)).toEqual(before);
    expect(broken.reports).toHaveLength(2);
  });
});

describe("a publish that another overtakes between its reading and its swap", () => {
  it("is a conflict, and what overtook it stays", async () => {
    const slow = new OvertakenStore(edge.store);
    const late = await inProcess(made, () => now, { store: slow });
    let first: Answer | undefined;
    slow.overtake = async () => {
      first = await publishNext(edge, 1);
    };
    const second = await publishNext(late, 1);
    expect(first?.status).toBe(201);
    expect([second.status, errorOf(second).version]).toEqual([409, 2]);
    const { etag } = json(first as Answer);
    expect((await poll()).headers.get("etag")).toBe(etag);
  });
});

/** Runs something right before the first swap. */
class OvertakenStore implements Store {
  readonly #inner: Store;
  overtake: (() => Promise<void>) | undefined;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  head = (key: string) => this.#inner.head(key);
  get = (key: string) => this.#inner.get(key);
  create = (key: string, bytes: Uint8Array, notes?: Notes) => this.#inner.create(key, bytes, notes);
  delete = (key: string) => this.#inner.delete(key);
  list = (prefix: string, after?: string) => this.#inner.list(prefix, after);

  async replace(key: string, revision: string, bytes: Uint8Array, notes?: Notes) {
    const { overtake } = this;
    this.overtake = undefined;
    await overtake?.();
    return this.#inner.replace(key, revision, bytes, notes);
  }
}

describe("a new root", () => {
  it("reaches feeds that are in force already", async () => {
    const root = nextRoot(made, made.root, { root: [await keyFromSeed(new Uint8Array(32).fill(20))] });
    const answer = await post(edge, "/root", root);
    expect([answer.status, json(answer)["version"]]).toEqual([201, 2]);
    const bundle = await edge.publisher.feed(id);
    expect(bundle.roots).toEqual([root]);
    expect((await verified(bundle)).root.version).toBe(2);
    for (const path of ["root/2.root.json", `${metadataPath(id)}/2.root.json`]) {
      expect((await edge.send("GET", `/${path}`)).bytes).toEqual(root);
    }
  });

  it("is seen a minute later by an edge that did not take it in", async () => {
    const elsewhere = await inProcess(made, () => now, { store: edge.store });
    await poll(elsewhere);
    await post(edge, "/root", nextRoot(made, made.root, {}));
    const before = await poll(elsewhere);
    now = instant(now + MINUTE);
    expect(await poll(elsewhere)).not.toEqual(before);
  });

  it("travels with the newest few only", async () => {
    let root = made.root;
    for (let n = 0; n < BUNDLED_ROOTS + 2; n++) {
      root = nextRoot(made, root, {});
      expect((await post(edge, "/root", root)).status).toBe(201);
    }
    const { roots } = await edge.publisher.feed(id);
    expect(roots).toHaveLength(BUNDLED_ROOTS);
    expect(roots.at(-1)).toEqual(root);
  });

  it("with another online key: the old feed serves until the edge has it, then all is signed again", async () => {
    const online = {
      timestamp: [await keyFromSeed(new Uint8Array(32).fill(21))],
      snapshot: [await keyFromSeed(new Uint8Array(32).fill(22))],
    };
    const before = await poll();
    await post(edge, "/root", nextRoot(made, made.root, online));
    expect(await poll()).toEqual(before);
    expect(String(edge.reports[0])).toContain("is not a");
    const refused = await publishNext(edge, 1);
    expect([refused.status, errorOf(refused).code]).toEqual([500, "config"]);
    expect(errorOf(refused).message).toContain("SNAPSHOT_KEY");
    const redeployed = await inProcess(made, () => now, { store: edge.store, online });
    const bundle = await redeployed.publisher.feed(id);
    expect(versionsOf(bundle)).toEqual({ timestamp: 2, snapshot: 2, targets: 1 });
    await verified(bundle);
    expect((await publishNext(redeployed, 1)).status).toBe(201);
  });

  it("with other targets keys: the old targets are refused, then new ones taken", async () => {
    const targets = [await keyFromSeed(new Uint8Array(32).fill(23))];
    await post(edge, "/root", nextRoot(made, made.root, { targets }));
    const old = await publishNext(edge, 1);
    expect([old.status, errorOf(old).reason]).toEqual([422, "trust"]);
    const renewed = { ...made, keys: { ...made.keys, targets } };
    expect((await publishNext(edge, 1, renewed)).status).toBe(201);
    await verified(await edge.publisher.feed(id));
  });

  it.each<readonly [string, () => Uint8Array, RegExp]>([
    ["signed by too few", () => tooFew(nextRoot(made, made.root, {})), /good signatures/],
    ["skipping a version", () => nextRoot(made, made.root, {}, { version: 3 }), /version 3 where 2/],
    ["of the version in force", () => made.root, /version 1 where 2/],
    ["that has expired", () => nextRoot(made, made.root, {}, { expires: START }), /has expired/],
    ["that is none", () => manifestBytes(id, []), /root/],
  ])("%s is refused", async (_, root, message) => {
    const before = visible();
    const answer = await post(edge, "/root", root());
    expect([answer.status, errorOf(answer).code]).toEqual([422, "refused"]);
    expect(errorOf(answer).message).toMatch(message);
    expect(visible()).toEqual(before);
  });

  it("too large is not read", async () => {
    const answer = await post(edge, "/root", new Uint8Array(600_000));
    expect([answer.status, errorOf(answer).code]).toEqual([413, "limit"]);
  });
});

function tooFew(root: Uint8Array): Uint8Array {
  const { signed } = parseEnvelope(root, "root");
  return signWithSecrets(signed, made.keys.root.slice(0, 1));
}

describe("an error that nobody expected", () => {
  it("goes to the log and not to the answer", async () => {
    const broken = await inProcess(made, () => now, {
      queue: (real) => ({ ...real, publish: async () => Promise.reject(new Error("secret detail")) }),
    });
    const answer = await publishNext(broken, 0);
    expect([answer.status, errorOf(answer).code]).toEqual([500, "internal"]);
    expect(new TextDecoder().decode(answer.bytes)).not.toContain("secret");
    expect(broken.reports).toHaveLength(1);
    expect(broken.reports[0]).not.toBeInstanceOf(RebootlessError);
  });
});
