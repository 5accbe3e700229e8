import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STAGING_WEEK } from "../../edge/publish/staging_area.ts";
import { versionsOf } from "../../edge/publish/stored_feed.ts";
import { stagingKey } from "../../edge/store/keys.ts";
import { digests, sha256Of } from "../../node/crypto.ts";
import { nodeVerifier } from "../../node/verifier.ts";
import { type BuildId, objectName, type Sha256Hex } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { decodeManifest, encodeManifest } from "../../shared/feed/manifest.ts";
import {
  artifactPath,
  consistentTarget,
  feedPath,
  manifestTarget,
  metadataPath,
  targetsPath,
} from "../../shared/feed/paths.ts";
import { jsonObject } from "../../shared/json.ts";
import { DAY, instant, systemClock } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import { verifyFile } from "../../shared/tuf/verify.ts";
import {
  type Answer,
  errorOf,
  json,
  startWorkerd,
  TestPublisher,
  type Workerd,
} from "../support/edge/edge.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  manifestOf,
  newKey,
  secrets,
  signedTargets,
  someBuildId,
  type TargetsOptions,
  updateOf,
} from "../support/edge/repository.ts";

let made: Ceremony;
let edge: Workerd;
let publisher: TestPublisher;

beforeAll(async () => {
  made = await ceremony();
  edge = await startWorkerd(secrets(made));
  publisher = new TestPublisher(made, edge.send);
});
afterAll(() => edge.miniflare.dispose());

const MODULE = utf8("\u007fELF a module");

/** Stages a module and publishes a manifest of one update for the kernel. */
async function publishFirst(id: BuildId, module = MODULE): Promise<Answer> {
  const manifest = manifestBytes(id, [await updateOf("fix-1", module)]);
  await publisher.stage(module);
  return publisher.publish({
    buildId: id,
    base: 0,
    targets: await signedTargets(made, id, manifest),
    manifest,
  });
}

const get = (path: string, headers: Record<string, string> = {}) => edge.send("GET", `/${path}`, { headers });
const startOf = (bytes: Uint8Array) => TrustedSet.fromRoot(bytes, nodeVerifier, enforcedAt(systemClock()));

const stagingAt = (sha256: Sha256Hex): string => stagingKey(Math.floor(systemClock() / STAGING_WEEK), sha256);

/** Everything that can be read in the bucket, by name and digest. */
async function visible(): Promise<string[]> {
  const bucket = await edge.miniflare.getR2Bucket("FEED");
  const { objects } = await bucket.list({ limit: 1000 });
  const hidden = /^(?:staging|audit)\//;
  return objects.filter(({ key }) => !hidden.test(key)).map(({ key, etag }) => `${key} ${etag}`);
}

describe("a kernel's fingerprint file", () => {
  it("has to be staged whole, and is served like any artifact", async () => {
    const id = someBuildId();
    const file = utf8("fingerprints of every function");
    const fingerprints = { sha256: sha256Of(file), length: file.length };
    const manifest = encodeManifest({ ...manifestOf(id, []), fingerprints });
    const publication = { buildId: id, base: 0, targets: await signedTargets(made, id, manifest), manifest };
    const refused = await publisher.publish(publication);
    expect(refused.status).toBe(422);
    expect(errorOf(refused).message).toContain(`artifact ${fingerprints.sha256} was not staged`);
    await publisher.stage(file);
    expect((await publisher.publish(publication)).status).toBe(201);
    const served = await get(artifactPath(fingerprints.sha256));
    expect(served.bytes).toEqual(file);
  });
});

describe("a publish that is sound", () => {
  const id = someBuildId();
  let answer: Answer;
  beforeAll(async () => {
    answer = await publishFirst(id);
  });

  it("answers with the version and the new ETag", async () => {
    expect(answer.status).toBe(201);
    const feed = await get(feedPath(id));
    expect(json(answer)).toEqual({ version: 1, etag: feed.headers.get("etag") });
  });

  it("is served whole in feed.json, and verifies by the client's workflow", async () => {
    const bundle = await publisher.feed(id);
    const set = await startOf(made.root);
    for (const root of bundle.roots) await set.updateRoot(root);
    await set.updateTimestamp(bundle.timestamp);
    await set.updateSnapshot(bundle.snapshot);
    await set.updateTargets(bundle.targets);
    const target = set.target(manifestTarget(id));
    expect(target).toBeDefined();
    if (target) await verifyFile(bundle.manifest, target, "manifest", digests);
    expect(decodeManifest(bundle.manifest).updates.map((u) => u.id)).toEqual(["fix-1"]);
  });

  it("is served under the URLs of the TUF specification", async () => {
    const file = async (path: string) => (await get(`${metadataPath(id)}/${path}`)).bytes;
    const set = await startOf(await file("1.root.json"));
    await set.updateTimestamp(await file("timestamp.json"));
    await set.updateSnapshot(await file(`${set.snapshotMeta().version}.snapshot.json`));
    await set.updateTargets(await file(`${set.targetsMeta().version}.targets.json`));
    const target = set.target(manifestTarget(id));
    const digest = target?.hashes.get("sha256");
    const manifest = await get(`${targetsPath(id)}/kernels/${digest}.${id}.json`);
    if (!target) throw new Error("no target");
    await verifyFile(manifest.bytes, target, "manifest", digests);
    expect(consistentTarget(id, sha256Of(manifest.bytes))).toBe(`kernels/${digest}.${id}.json`);
    expect((await get(`${metadataPath(id)}/2.root.json`)).status).toBe(404);
    expect((await get(`${metadataPath(id)}/2.targets.json`)).status).toBe(404);
  });

  it("serves the artifact and empties staging", async () => {
    const sha256 = sha256Of(MODULE);
    const artifact = await get(artifactPath(sha256));
    expect(artifact.bytes).toEqual(MODULE);
    expect(artifact.headers.get("cache-control")).toContain("immutable");
    expect(artifact.headers.get("x-content-type-options")).toBe("nosniff");
    const bucket = await edge.miniflare.getR2Bucket("FEED");
    expect(await bucket.head(stagingAt(sha256))).toBeNull();
    expect((await publisher.stage(MODULE)).status).toBe(200);
  });

  it("answers a poll that changes nothing with 304", async () => {
    const etag = (await get(feedPath(id))).headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const same = await get(feedPath(id), { "If-None-Match": header });
      expect(same.status).toBe(304);
      expect(same.bytes).toHaveLength(0);
      expect(same.headers.get("etag")).toBe(etag);
      expect(same.headers.has("content-type")).toBe(false);
    }
    const head = await edge.send("HEAD", `/${feedPath(id)}`);
    expect([head.status, head.headers.get("etag"), head.bytes.length]).toEqual([200, etag, 0]);
  });

  it.each([
    { "If-None-Match": '"unclosed' },
    { "If-None-Match": ",,,;" },
    { "If-None-Match": "x".repeat(8000) },
    { "If-Match": "@" },
    { "If-Modified-Since": "yesterday" },
    { Range: "bits=?" },
    { Range: "bytes=0-1,4-5" },
    { Range: "bytes=0-9", "If-Range": '"another"' },
  ])("answers %o with the whole file", async (headers: Record<string, string>) => {
    const answer = await get(feedPath(id), headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toMatch(/^public, max-age=60, /);
  });

  it("keeps what was in force before", async () => {
    const manifest = manifestBytes(id, []);
    const targets = await signedTargets(made, id, manifest, { version: 2 });
    const before = await publisher.feed(id);
    expect((await publisher.publish({ buildId: id, base: 1, targets, manifest })).status).toBe(201);
    expect((await get(`${metadataPath(id)}/1.targets.json`)).bytes).toEqual(before.targets);
    expect((await get(`${metadataPath(id)}/1.snapshot.json`)).bytes).toEqual(before.snapshot);
    const old = consistentTarget(id, sha256Of(before.manifest));
    expect((await get(`${targetsPath(id)}/${old}`)).bytes).toEqual(before.manifest);
    expect((await get(`${metadataPath(id)}/2.targets.json`)).bytes).toEqual(targets);
  });
});

describe("what is not there", () => {
  const id = someBuildId();
  it.each([feedPath(id), `${metadataPath(id)}/timestamp.json`, `${metadataPath(id)}/1.snapshot.json`])(
    "%s of an unknown kernel is not covered",
    async (path) => {
      const answer = await get(path);
      expect([answer.status, errorOf(answer).code]).toEqual([404, "not_covered"]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    },
  );
  it.each([
    "kernels/ABCDEF0123456789ABCD/feed.json",
    "kernels/abc/feed.json",
    `kernels/${id}/feed.json/`,
    `kernels/${id}/../../root/1.root.json/x`,
    `kernels/${id}/metadata/0.root.json`,
    `kernels/${id}/metadata/01.targets.json`,
    `artifacts/${"a".repeat(63)}`,
    `artifacts/${"a".repeat(64)}`,
    "root/2.root.json",
    "constructor",
  ])("/%s is not found", async (path) => {
    const answer = await get(path);
    expect([answer.status, errorOf(answer).code]).toEqual([404, "not_found"]);
  });
  it("says that it is well", async () => {
    expect(json(await get("health"))).toMatchObject({ status: "warning", root: { version: 1 } });
  });
});

/** Publications that are refused. */
interface Mistake {
  readonly targets?: TargetsOptions | ((id: BuildId, manifest: Uint8Array) => Promise<Uint8Array>);
  readonly manifest?: (id: BuildId) => Promise<Uint8Array>;
  readonly base?: number;
  readonly module?: Uint8Array | null;
  readonly message: RegExp;
}

const other = someBuildId();
const signersOf = async (count: number) => ({ signers: made.keys.targets.slice(0, count) });
const emptyFile = { length: 1, hashes: new Map([["sha256" as const, "0".repeat(64)]]), custom: undefined };

/** A Ksplice update whose own module is in force, and whose new code was not sent. */
async function withoutPart(id: BuildId): Promise<Uint8Array> {
  const update = await updateOf("fix-1", MODULE);
  const part = { ...update.module, name: objectName("new_code"), sha256: sha256Of(utf8("new code")) };
  const parts = [{ ...part, role: "new" as const, target: objectName("vmlinux") }];
  return manifestBytes(id, [{ ...update, engine: "ksplice", parts }]);
}

const MISTAKES: readonly (readonly [string, Mistake])[] = [
  ["unsigned", { targets: { signers: [] }, message: /0 good signatures of the 2/ }],
  [
    "signed by one of two",
    {
      targets: async (id, m) => signedTargets(made, id, m, await signersOf(1)),
      message: /1 good signatures of the 2/,
    },
  ],
  [
    "signed by others",
    {
      targets: async (id, m) => signedTargets(made, id, m, { signers: [await newKey(), await newKey()] }),
      message: /0 good signatures/,
    },
  ],
  [
    "of a version that does not follow its base",
    { targets: { version: 2 }, message: /version 2, and must have 1/ },
  ],
  ["expired", { targets: { expires: instant(systemClock() - DAY) }, message: /expired/ }],
  ["naming two paths", { targets: { more: [["other.json", emptyFile]] }, message: /nothing else/ }],
  ["naming another kernel's path", { targets: { path: manifestTarget(other) }, message: /not for kernel/ }],
  ["without a build ID", { targets: { custom: jsonObject({}) }, message: /for undefined, not for kernel/ }],
  [
    "with another's build ID",
    { targets: { custom: jsonObject({ build_id: other }) }, message: /not for kernel/ },
  ],
  [
    "another kernel's valid targets",
    { targets: (_, manifest) => signedTargets(made, other, manifest), message: /not for kernel/ },
  ],
  [
    "with another kernel's manifest",
    { manifest: async () => manifestBytes(other, []), message: /not for kernel/ },
  ],
  ["with a wrong length", { targets: { length: 5 }, message: /bytes, 5 were signed/ }],
  ["with a wrong digest", { targets: { sha256: "0".repeat(64) }, message: /sha256 differs/ }],
  ["with a manifest that is none", { manifest: async () => utf8("{}"), message: /manifest/ }],
  ["with an artifact that was not staged", { module: null, message: /was not staged/ }],
  ["with a part that was not staged", { manifest: withoutPart, message: /was not staged/ }],
  ["that is not JSON", { targets: async () => utf8("<targets/>"), message: /not a JSON/ }],
];

describe("a publish that is refused leaves no trace", () => {
  const covered = someBuildId();
  beforeAll(async () => {
    await publishFirst(covered);
  });

  /** Puts the staged object in the bucket by hand: the edge itself would never write these. */
  const plant = async (sha256: Sha256Hex, bytes: Uint8Array) => {
    const bucket = await edge.miniflare.getR2Bucket("FEED");
    await bucket.put(stagingAt(sha256), bytes, { customMetadata: { sha256 } });
  };

  async function attempt(id: BuildId, base: number, mistake: Mistake): Promise<Answer> {
    const module = utf8(`module of ${id} at ${base}`);
    if (mistake.module !== null) await publisher.stage(mistake.module ?? module);
    const manifest = mistake.manifest
      ? await mistake.manifest(id)
      : manifestBytes(id, [await updateOf("fix-1", mistake.module === null ? utf8("never staged") : module)]);
    const { targets = {} } = mistake;
    const version = typeof targets === "function" ? 1 : (targets.version ?? 1) + base;
    const signed =
      typeof targets === "function"
        ? await targets(id, manifest)
        : await signedTargets(made, id, manifest, { ...targets, version });
    return publisher.publish({ buildId: id, base: mistake.base ?? base, targets: signed, manifest });
  }

  it.each(MISTAKES)("%s", async (_, mistake) => {
    const fresh = someBuildId();
    const before = await visible();
    const answer = await attempt(fresh, 0, mistake);
    expect([answer.status, errorOf(answer).code]).toEqual([422, "refused"]);
    expect(errorOf(answer).message).toMatch(mistake.message);
    expect((await get(feedPath(fresh))).status).toBe(404);
    expect(await visible()).toEqual(before);
  });

  it.each([
    ["truncated", (module: Uint8Array) => module.slice(0, -1), /bytes, the manifest says/],
    ["exchanged", (module: Uint8Array) => module.map((byte) => byte ^ 1), /has other bytes/],
  ] as const)("with an artifact that is %s", async (_, spoil, message) => {
    const module = utf8("the module that is spoiled");
    await plant(sha256Of(module), spoil(module));
    const before = await visible();
    const manifest = manifestBytes(covered, [await updateOf("fix-1", module)]);
    const targets = await signedTargets(made, covered, manifest, { version: 2 });
    const answer = await publisher.publish({ buildId: covered, base: 1, targets, manifest });
    expect(errorOf(answer)).toMatchObject({ code: "refused", message: expect.stringMatching(message) });
    expect(await visible()).toEqual(before);
    const bucket = await edge.miniflare.getR2Bucket("FEED");
    await bucket.delete(stagingAt(sha256Of(module)));
  });

  it("of another length than the artifact in force", async () => {
    const update = await updateOf("fix-1", MODULE);
    const longer = { ...update, module: { ...update.module, length: MODULE.length + 1 } };
    const manifest = manifestBytes(covered, [longer]);
    const targets = await signedTargets(made, covered, manifest, { version: 2 });
    const answer = await publisher.publish({ buildId: covered, base: 1, targets, manifest });
    expect(errorOf(answer).message).toMatch(/bytes, the manifest says/);
  });

  it("on a base that is no longer in force", async () => {
    const before = await visible();
    for (const base of [0, 2]) {
      const manifest = manifestBytes(covered, []);
      const targets = await signedTargets(made, covered, manifest, { version: base + 1 });
      const answer = await publisher.publish({ buildId: covered, base, targets, manifest });
      expect([answer.status, errorOf(answer).code, errorOf(answer).version]).toEqual([409, "conflict", 1]);
    }
    expect(await visible()).toEqual(before);
  });

  it("for another kernel than the path names", async () => {
    const manifest = manifestBytes(covered, []);
    const targets = await signedTargets(made, covered, manifest, { version: 2 });
    const answer = await publisher.publish({ buildId: covered, base: 1, targets, manifest }, other);
    expect([answer.status, errorOf(answer).code]).toEqual([422, "refused"]);
  });

  it("in a body that is no publication", async () => {
    const path = `/kernels/${covered}/publish`;
    const answer = await publisher.signedRequest("POST", path, utf8('{"format":1,"format":1}'));
    expect([answer.status, errorOf(answer).code]).toEqual([400, "parse"]);
  });
});

describe("staging", () => {
  it("takes an artifact once", async () => {
    const artifact = utf8("staged once");
    expect((await publisher.stage(artifact)).status).toBe(201);
    expect((await publisher.stage(artifact)).status).toBe(200);
  });

  it("refuses a body of another digest, and an empty one", async () => {
    const path = `/staging/${sha256Of(utf8("promised"))}`;
    const answer = await publisher.signedRequest("PUT", path, utf8("sent"));
    expect([answer.status, errorOf(answer).code]).toEqual([422, "refused"]);
    expect((await publisher.stage(new Uint8Array())).status).toBe(422);
  });

  it("stops reading past its limit", async () => {
    const answer = await publisher.stage(new Uint8Array(32 * 1024 * 1024 + 1));
    expect([answer.status, errorOf(answer).code]).toEqual([413, "limit"]);
  });
});

describe("twenty publishers at once", () => {
  it("lose nothing", async () => {
    const id = someBuildId();
    await publishFirst(id);
    const versions: number[] = [];
    const one = async (n: number) => {
      const module = utf8(`module ${n}`);
      const update = await updateOf(`race-${n}`, module);
      await publisher.stage(module);
      for (;;) {
        const bundle = await publisher.feed(id);
        const base = versionsOf(bundle).targets;
        const manifest = manifestBytes(id, [...decodeManifest(bundle.manifest).updates, update]);
        const targets = await signedTargets(made, id, manifest, { version: base + 1 });
        const answer = await publisher.publish({ buildId: id, base, targets, manifest });
        if (answer.status === 201) return versions.push(base + 1);
        expect(answer.status).toBe(409);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)));
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 2));
    const updates = decodeManifest((await publisher.feed(id)).manifest).updates.map((u) => u.id);
    expect(new Set(updates).size).toBe(21);
  });
});
