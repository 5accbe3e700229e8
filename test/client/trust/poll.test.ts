import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Polled, poll, pollCache } from "../../../client/trust/poll.ts";
import { lastVerified } from "../../../client/trust/stored_feed.ts";
import type { Subject } from "../../../client/trust/subject.ts";
import { type TrustDir, trustDir } from "../../../client/trust/trust_dir.ts";
import { hostVerifiers } from "../../../node/verifier.ts";
import { keyFromSeed } from "../../../publisher/keys/key_file.ts";
import { type BuildId, buildId } from "../../../shared/brand.ts";
import { toHex, utf8 } from "../../../shared/bytes.ts";
import type { Bundle } from "../../../shared/feed/bundle.ts";
import { feedPath, manifestTarget, metadataPath } from "../../../shared/feed/paths.ts";
import { jsonObject } from "../../../shared/json.ts";
import { MAX_BUNDLE_BYTES } from "../../../shared/limits.ts";
import { DAY, type Instant, instant, SECOND } from "../../../shared/time.ts";
import { type Ceremony, ceremony, manifestBytes, updateOf } from "../../support/edge/repository.ts";
import { flipBit } from "../../support/hostile_mirror.ts";
import {
  atVersion,
  MemoryFeed,
  type Publication,
  signedBundle,
  signedRoot,
} from "../../support/memory_feed.ts";

/** Later than the times of the files that these tests write: a host's clock does not go back. */
const NOW = instant(Date.UTC(2036, 5, 1));
const ID = buildId("0123456789abcdef0123456789abcdef01234567");
const OTHER_ID = buildId("fedcba9876543210fedcba9876543210fedcba98");

let made: Ceremony;
/** Online keys after a rotation. */
let rotated: Ceremony["keys"];
let manifest: Uint8Array;
let work: string;
beforeAll(async () => {
  made = await ceremony(NOW);
  const key = async (n: number) => [await keyFromSeed(new Uint8Array(32).fill(n))];
  rotated = { ...made.keys, snapshot: await key(21), timestamp: await key(22) };
  manifest = manifestBytes(ID, [await updateOf("fix-1", utf8("a module"))]);
  work = await mkdtemp(join(tmpdir(), "rebootless-poll-"));
});
afterAll(() => rm(work, { recursive: true }));

let feed: MemoryFeed;
let subject: Subject;
let stateDir: string;
beforeEach(fresh);

async function fresh(): Promise<void> {
  feed = new MemoryFeed();
  stateDir = await mkdtemp(join(work, "state-"));
  const directory = trustDir(stateDir, ID, made.root);
  subject = { directory, provisionedRoot: made.root, buildId: ID, verifiers: hostVerifiers() };
}

const ask = (now: Instant = NOW, directory: TrustDir = subject.directory): Promise<Polled> =>
  poll({ ...subject, directory, feed, clock: () => now });

const key = (n: number) => keyFromSeed(new Uint8Array(32).fill(n));

const serve = async (options: Partial<Publication> = {}, id: BuildId = ID): Promise<Bundle> => {
  const bundle = await signedBundle(made, id, NOW, { manifest, ...options });
  feed.serve(bundle);
  return bundle;
};

/** Everything below the state folder: paths and contents. */
async function listing(): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(stateDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(
    files.sort().map(async (path) => [path.slice(stateDir.length), toHex(await readFile(path))] as const),
  );
  return Object.fromEntries(contents);
}

/** The version of a role's file as it is kept. */
const kept = async (role: string): Promise<number> =>
  Number(
    /"version":(\d+),"expires"/.exec(
      await readFile(join(stateDir, role === "root" ? "" : ID, "trust", `${role}.json`), "utf8"),
    )?.[1],
  );

/** Polls, expects it to fail with this code and to leave the folder as it was. */
async function refused(code: string, now: Instant = NOW): Promise<void> {
  const before = await listing();
  await expect(ask(now)).rejects.toMatchObject({ code });
  expect(await listing()).toEqual(before);
}

const rotation = (version: number, keys = rotated, expires = instant(NOW + 365 * DAY)) =>
  signedRoot(made, version, expires, keys);

describe("polling", () => {
  it("verifies the whole feed in one request and keeps it byte for byte", async () => {
    const bundle = await serve();
    const { changed, manifest: read } = await ask();
    expect(changed).toBe(true);
    expect(read.updates.map(({ id }) => id)).toEqual(["fix-1"]);
    expect(feed.asked).toEqual([{ path: feedPath(ID), etag: undefined, status: "ok" }]);
    const at = (name: string) => `/${ID}/${name}`;
    expect(await listing()).toEqual({
      [at("feed.etag")]: expect.stringMatching(/^22.*220a$/),
      [at("manifest.json")]: toHex(manifest),
      [at("trust/snapshot.json")]: toHex(bundle.snapshot),
      [at("trust/targets.json")]: toHex(bundle.targets),
      [at("trust/timestamp.json")]: toHex(bundle.timestamp),
      "/trust/latest_time": toHex(utf8("2036-06-01T00:00:00Z\n")),
      "/trust/provisioned.sha256": expect.any(String),
      "/trust/root.json": toHex(made.root),
    });
  });

  it("costs one request with the tag when nothing has changed", async () => {
    await serve();
    await ask();
    const etag = await subject.directory.readTag();
    const before = await listing();
    feed.asked.length = 0;
    const { changed, manifest: read } = await ask();
    expect(changed).toBe(false);
    expect(read.updates).toHaveLength(1);
    expect(etag).toBeDefined();
    expect(feed.asked).toEqual([{ path: feedPath(ID), etag, status: "not_modified" }]);
    expect(await listing()).toEqual(before);
  });

  it("verifies every signature when nothing has changed, and waits for no other run", async () => {
    await serve();
    await ask();
    const exclusive = vi.fn(async () => undefined);
    await poll({ ...subject, feed, clock: () => NOW, exclusive });
    expect(exclusive).not.toHaveBeenCalled();
    const path = join(stateDir, ID, "trust/timestamp.json");
    await writeFile(path, (await readFile(path, "utf8")).replace(/"sig":"../, '"sig":"00'));
    expect((await ask()).changed).toBe(true);
    expect(feed.asked.slice(-2).map(({ status }) => status)).toEqual(["not_modified", "ok"]);
  });

  it("looks again once it is alone, where another run was just writing what is kept", async () => {
    await serve();
    await ask();
    const path = join(stateDir, ID, "manifest.json");
    await writeFile(path, "half of it");
    const exclusive = () => writeFile(path, manifest);
    const { changed } = await poll({ ...subject, feed, clock: () => NOW, exclusive });
    expect(changed).toBe(false);
    expect(feed.asked.at(-1)?.status).toBe("not_modified");
  });

  it("takes the next publication, byte for byte", async () => {
    await serve();
    await ask();
    const next = await serve({ versions: atVersion(2), manifest: manifestBytes(ID, []) });
    expect((await ask()).manifest.updates).toEqual([]);
    expect(Object.values(await listing())).toEqual(
      expect.arrayContaining(
        [next.timestamp, next.snapshot, next.targets, next.manifest].map((bytes) => toHex(bytes)),
      ),
    );
  });

  it("takes what the edge signed anew under the same targets", async () => {
    const first = await serve();
    await ask();
    const again = await serve({ versions: { ...atVersion(1), timestamp: 2 } });
    expect(again.targets).toEqual(first.targets);
    await ask();
    expect(await kept("timestamp")).toBe(2);
  });

  it("reports a kernel that the feed does not have", async () => {
    await refused("not_covered");
    await serve();
    await ask();
    feed.files.clear();
    await refused("not_covered");
  });

  it("refuses a bundle beyond the limit", async () => {
    feed.files.set(feedPath(ID), new Uint8Array(MAX_BUNDLE_BYTES + 1));
    await refused("unreachable");
  });

  it.each([
    ["nothing", ""],
    ["a proxy's page", "<html>"],
    ["other JSON", "{}"],
    ["bytes that are no text", "\xff"],
  ])("calls %s in place of the feed a matter of trust", async (_, body) => {
    feed.files.set(feedPath(ID), Buffer.from(body, "latin1"));
    await refused("trust");
  });
});

describe("binding to this kernel", () => {
  it("refuses another kernel's valid feed", async () => {
    const theirs = await signedBundle(made, OTHER_ID, NOW, { manifest: manifestBytes(OTHER_ID, []) });
    feed.serve({ ...theirs, buildId: ID });
    await refused("trust");
  });

  it("refuses it just as well when a feed of ours was seen before, with its higher versions", async () => {
    await serve();
    await ask();
    const theirs = { manifest: manifestBytes(OTHER_ID, []), versions: atVersion(1000) };
    feed.serve({ ...(await signedBundle(made, OTHER_ID, NOW, theirs)), buildId: ID });
    await refused("trust");
    await serve({ versions: atVersion(2) });
    await ask();
    expect(await kept("targets")).toBe(2);
  });

  it.each<[string, Partial<Publication>]>([
    ["a signed build ID of another kernel", { custom: jsonObject({ build_id: OTHER_ID }) }],
    ["no signed build ID", { custom: jsonObject({}) }],
    ["a signed build ID that is no text", { custom: jsonObject({ build_id: 7 }) }],
    ["a path of another kernel", { path: manifestTarget(OTHER_ID) }],
    ["a manifest of another kernel", { manifest: manifestBytes(OTHER_ID, []) }],
  ])("refuses %s", async (_, options) => {
    await serve(options);
    await refused("trust");
  });
});

describe("tampering", () => {
  it("refuses every flipped bit, or takes the very same manifest", async () => {
    const bundle = await serve({ keys: rotated, roots: [rotation(2)] });
    const honest = feed.serve(bundle);
    let accepted = 0;
    const place = fc.tuple(fc.nat(honest.length - 1), fc.nat(7));
    const flipped = fc.asyncProperty(place, async ([at, bit]) => {
      await fresh();
      feed.serve(bundle);
      feed.files.set(feedPath(ID), flipBit(honest, at, bit));
      try {
        await ask();
      } catch (error) {
        expect(["trust", "rollback", "expired"]).toContain((error as { code?: string }).code);
        expect(await listing()).toEqual({});
        return;
      }
      accepted++;
      expect(await subject.directory.readManifest()).toEqual(Buffer.from(manifest));
    });
    await fc.assert(flipped, { numRuns: 200, seed: 20260601 });
    expect(accepted).toBeLessThan(60);
  });

  it.each(["timestamp", "snapshot", "targets"] as const)(
    "refuses a %s by somebody else's key",
    async (role) => {
      const stranger = [await keyFromSeed(new Uint8Array(32).fill(99))];
      await serve({ keys: { ...made.keys, [role]: stranger } });
      await refused("trust");
    },
  );

  it("refuses targets with fewer signatures than the threshold", async () => {
    await serve({ keys: { ...made.keys, targets: made.keys.targets.slice(1) } });
    await refused("trust");
  });

  it("refuses a mixture of two publications", async () => {
    const first = await serve();
    const second = await serve({ versions: atVersion(2), manifest: manifestBytes(ID, []) });
    for (const mixed of [
      { ...second, snapshot: first.snapshot },
      { ...second, targets: first.targets },
      { ...second, manifest: first.manifest },
    ]) {
      feed.serve(mixed);
      await refused("trust");
    }
  });
});

describe("expiry", () => {
  it.each(["timestamp", "snapshot", "targets"] as const)(
    "refuses a feed whose %s has expired",
    async (role) => {
      await serve({ expires: { [role]: NOW } });
      await refused("expired");
      await fresh();
      await serve({ expires: { [role]: instant(NOW + SECOND) } });
      await ask();
    },
  );

  it("refuses a feed whose root has expired", async () => {
    const now = instant(NOW + 365 * DAY);
    const later = instant(now + DAY);
    await serve({ expires: { timestamp: later, snapshot: later, targets: later } });
    await refused("expired", now);
    expect((await ask(instant(now - SECOND))).changed).toBe(true);
  });

  it("says so too when the feed answers that nothing has changed", async () => {
    await serve();
    await ask();
    await refused("expired", instant(NOW + 90 * DAY));
  });
});

describe("rollback", () => {
  it.each([
    ["timestamp", { timestamp: 1, snapshot: 2, targets: 2 }],
    ["snapshot", { timestamp: 3, snapshot: 1, targets: 2 }],
    ["targets", { timestamp: 3, snapshot: 3, targets: 1 }],
  ])("refuses an older %s", async (_, versions) => {
    await serve({ versions: atVersion(2) });
    await ask();
    await serve({ versions });
    await refused("rollback");
  });

  it("remembers versions across a feed that has expired since", async () => {
    await serve({ versions: atVersion(2) });
    await ask();
    const later = instant(NOW + 200 * DAY);
    const expires = instant(later + DAY);
    await serve({
      versions: atVersion(1),
      expires: { timestamp: expires, snapshot: expires, targets: expires },
    });
    await refused("rollback", later);
  });
});

describe("root rotation", () => {
  it("follows a root that travels in the bundle, in the same one request", async () => {
    await serve();
    await ask();
    feed.asked.length = 0;
    const root = rotation(2);
    await serve({ keys: rotated, roots: [root], versions: atVersion(2) });
    await ask();
    expect(await kept("root")).toBe(2);
    expect(feed.asked).toHaveLength(1);
    expect(await subject.directory.metadata.read("root")).toEqual(root);
  });

  it("fetches the roots that are too old to travel, by their names", async () => {
    const roots = [2, 3, 4, 5, 6, 7, 8].map((version) => rotation(version));
    await serve({ keys: rotated, roots });
    await ask();
    expect(await kept("root")).toBe(8);
    expect(feed.asked.map(({ path }) => path)).toEqual([
      feedPath(ID),
      ...[2, 3, 4].map((version) => `${metadataPath(ID)}/${version}.root.json`),
    ]);
  });

  it("refuses the feed when one of them is missing or too large", async () => {
    const roots = [2, 3, 4, 5, 6, 7].map((version) => rotation(version));
    await serve({ keys: rotated, roots });
    feed.files.set(`${metadataPath(ID)}/2.root.json`, new Uint8Array(600_000));
    await refused("unreachable");
    feed.files.delete(`${metadataPath(ID)}/2.root.json`);
    await refused("trust");
  });

  it("takes an expired root on the way, not at the end", async () => {
    const roots = [rotation(2, rotated, instant(NOW - DAY)), rotation(3)];
    await serve({ keys: rotated, roots });
    await ask();
    expect(await kept("root")).toBe(3);
    await fresh();
    await serve({ keys: rotated, roots: roots.slice(0, 1) });
    await refused("expired");
  });

  it("recovers from versions that a stolen online key drove up", async () => {
    await serve({ versions: atVersion(1_000_000) });
    await ask();
    await serve({ keys: rotated, roots: [rotation(2)], versions: { ...atVersion(2), targets: 1_000_000 } });
    await ask();
    expect(await kept("timestamp")).toBe(2);
  });

  it.each<[string, () => Promise<Uint8Array>]>([
    ["that the old root did not sign", async () => signedRoot(made, 2, instant(NOW + DAY), rotated, [])],
    [
      "signed by one where two must sign",
      async () => signedRoot(made, 2, instant(NOW + DAY), rotated, made.keys.root.slice(1)),
    ],
    [
      "of strangers",
      async () => {
        const stranger = [await keyFromSeed(new Uint8Array(32).fill(77))];
        return signedRoot(made, 2, instant(NOW + DAY), { ...rotated, root: stranger }, stranger);
      },
    ],
  ])("refuses a root %s", async (_, root) => {
    await serve({ keys: rotated, roots: [await root()] });
    await refused("trust");
  });
});

describe("a damaged cache", () => {
  const TAG = `${ID}/feed.etag`;
  const FILES = [
    "trust/root.json",
    `${ID}/trust/timestamp.json`,
    `${ID}/trust/snapshot.json`,
    `${ID}/trust/targets.json`,
    `${ID}/manifest.json`,
    TAG,
  ];
  const DAMAGES: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array | undefined])[] = [
    ["cut short", (bytes) => bytes.subarray(0, bytes.length / 2)],
    ["flipped", (bytes) => flipBit(bytes, bytes.length >> 1, 2)],
    ["full of zeros", (bytes) => new Uint8Array(bytes.length)],
    ["missing", () => undefined],
  ];
  let bundle: Bundle;
  let whole: string;
  beforeAll(async () => {
    await fresh();
    bundle = await serve({ keys: rotated, roots: [rotation(2)] });
    await ask();
    whole = stateDir;
  });

  const cases = FILES.flatMap((file) => DAMAGES.map(([name, damage]) => [file, name, damage] as const));

  it.each(cases)("%s %s is mended by the next poll", async (file, _, damage) => {
    await cp(whole, stateDir, { recursive: true });
    feed.serve(bundle);
    const expected = await listing();
    const path = join(stateDir, file);
    const bytes = damage(new Uint8Array(await readFile(path)));
    await (bytes ? writeFile(path, bytes) : rm(path));
    expect((await ask()).manifest.updates).toHaveLength(1);
    expect(feed.asked.length).toBe(file === TAG ? 1 : 2);
    expect(await listing()).toEqual(expected);
  });

  it("finds back to a newer root although the provisioned one has expired", async () => {
    const later = instant(NOW + 400 * DAY);
    const until = instant(later + DAY);
    const expires = { timestamp: until, snapshot: until, targets: until };
    // The same online keys: all that the lost root said is how long it is good.
    await serve({ roots: [rotation(2, made.keys, until)], expires });
    await ask(later);
    await rm(join(stateDir, "trust/root.json"));
    await ask(later);
    expect(await kept("root")).toBe(2);
  });

  it("still refuses what does not verify", async () => {
    await cp(whole, stateDir, { recursive: true });
    await writeFile(join(stateDir, ID, "manifest.json"), "damage");
    feed.serve({ ...bundle, manifest: manifestBytes(ID, []) });
    feed.tag = await subject.directory.readTag();
    await expect(ask()).rejects.toMatchObject({ code: "trust" });
    expect(feed.asked.map(({ status }) => status)).toEqual(["not_modified", "ok"]);
  });
});

describe("a crash between two writes", () => {
  /** The same folder, that fails at the n-th change, as the last thing a host does before it goes down. */
  function failingAt(directory: TrustDir, nth: number): TrustDir & { readonly count: () => number } {
    let count = 0;
    const counted =
      <A extends readonly unknown[]>(act: (...args: A) => Promise<void>) =>
      async (...args: A): Promise<void> => {
        if (++count >= nth) throw new Error("the power went");
        await act(...args);
      };
    const { metadata } = directory;
    return {
      ...directory,
      metadata: { ...metadata, write: counted(metadata.write), remove: counted(metadata.remove) },
      writeManifest: counted(directory.writeManifest),
      host: {
        ...directory.host,
        settle: counted(directory.host.settle),
        noteTime: counted(directory.host.noteTime),
      },
      writeTag: counted(directory.writeTag),
      removeTag: counted(directory.removeTag),
      count: () => count,
    };
  }

  let before: string;
  let next: Bundle;
  beforeAll(async () => {
    await fresh();
    await serve();
    await ask();
    before = stateDir;
    const options = { versions: atVersion(2), manifest: manifestBytes(ID, []) };
    next = await serve({ keys: rotated, roots: [rotation(2)], ...options });
  });

  /** A host with the first publication, and a feed with the next and a new root. */
  async function upToDate(): Promise<void> {
    await fresh();
    await cp(before, stateDir, { recursive: true });
    feed.serve(next);
  }

  it("leaves a folder from which the next poll recovers, wherever it comes", async () => {
    await upToDate();
    const all = failingAt(subject.directory, Number.POSITIVE_INFINITY);
    await ask(NOW, all);
    const goal = await listing();
    expect(all.count()).toBeGreaterThanOrEqual(7);
    for (let nth = 1; nth <= all.count(); nth++) {
      await upToDate();
      await expect(ask(NOW, failingAt(subject.directory, nth))).rejects.toThrow("the power went");
      const afterwards = await lastVerified(subject);
      expect([0, 1, undefined]).toContain(afterwards?.manifest.updates.length);
      expect((await ask()).manifest.updates, `crash at change ${nth}`).toEqual([]);
      expect(await listing()).toEqual(goal);
      expect((await ask()).changed).toBe(false);
    }
  });

  it("does not keep a tag for what was not kept whole", async () => {
    await upToDate();
    await expect(ask(NOW, failingAt(subject.directory, 4))).rejects.toThrow("the power went");
    expect(await subject.directory.readTag()).toBeUndefined();
  });
});

describe("without a feed", () => {
  const offline = (now: Instant, acceptStaleMs = 0) =>
    pollCache({ ...subject, feed, clock: () => now, acceptStaleMs });

  it("what was verified before still holds, and makes no request", async () => {
    await serve();
    await ask();
    feed.asked.length = 0;
    expect((await offline(NOW)).manifest.updates).toHaveLength(1);
    expect(feed.asked).toEqual([]);
  });

  it("says so when there is nothing, and when it has expired, the root included", async () => {
    await expect(offline(NOW)).rejects.toMatchObject({ code: "unreachable" });
    await serve();
    await ask();
    await expect(offline(instant(NOW + 91 * DAY))).rejects.toMatchObject({ code: "expired" });
    await expect(offline(instant(NOW + 3000 * DAY))).rejects.toMatchObject({ code: "expired" });
  });

  it("takes what expired within the bound that the administrator set", async () => {
    await serve();
    await ask();
    const late = instant(NOW + 100 * DAY);
    expect((await offline(late, 30 * DAY)).manifest.updates).toHaveLength(1);
    await expect(offline(late, 5 * DAY)).rejects.toMatchObject({ code: "expired" });
  });
});

describe("what was verified last", () => {
  it("is nothing before the first poll", async () => {
    expect(await lastVerified(subject)).toBeUndefined();
  });

  it("holds long after it expired, without a request", async () => {
    await serve();
    await ask();
    feed.asked.length = 0;
    expect((await lastVerified(subject))?.manifest.updates).toHaveLength(1);
    expect(feed.asked).toEqual([]);
  });

  it.each(["trust/timestamp.json", "trust/snapshot.json", "trust/targets.json", "manifest.json"])(
    "is nothing once %s was changed",
    async (file) => {
      await serve();
      await ask();
      const path = join(stateDir, ID, file);
      const bytes = await readFile(path);
      await writeFile(path, flipBit(bytes, bytes.length >> 1));
      expect(await lastVerified(subject)).toBeUndefined();
    },
  );

  it("is nothing under another root that was just provisioned, although a newer one of before is kept", async () => {
    await serve({ roots: [rotation(2)], keys: rotated });
    await ask();
    const other = [await key(52), await key(53)];
    const keys = { root: other, targets: other, snapshot: other, timestamp: other };
    const theirs = signedRoot(made, 1, instant(NOW + DAY), keys, other);
    const directory = trustDir(stateDir, ID, theirs);
    expect(await directory.metadata.read("root")).toBeUndefined();
    expect(await lastVerified({ ...subject, directory, provisionedRoot: theirs })).toBeUndefined();
  });

  it("is nothing to another kernel", async () => {
    await serve();
    await ask();
    expect(await lastVerified({ ...subject, buildId: OTHER_ID })).toBeUndefined();
  });

  it("is forgotten once the root of trust was replaced, newer roots that were kept included", async () => {
    await serve({ roots: [rotation(2)], keys: rotated });
    await ask();
    const other = [
      await keyFromSeed(new Uint8Array(32).fill(50)),
      await keyFromSeed(new Uint8Array(32).fill(51)),
    ];
    const theirs = signedRoot(made, 1, instant(NOW + DAY), { ...rotated, root: other }, other);
    const said: string[] = [];
    const directory = trustDir(stateDir, ID, theirs);
    const options = { ...subject, directory, feed, clock: () => NOW, provisionedRoot: theirs };
    await expect(poll({ ...options, notice: (line) => said.push(line) })).rejects.toMatchObject({
      code: "trust",
    });
    expect(said).toEqual([expect.stringContaining("root of trust was replaced")]);
    expect(Object.keys(await listing())).toEqual(["/trust/latest_time"]);
  });

  it("is nothing to who trusts another root", async () => {
    await serve();
    await ask();
    const root = [
      await keyFromSeed(new Uint8Array(32).fill(40)),
      await keyFromSeed(new Uint8Array(32).fill(41)),
    ];
    const online = { ...rotated, root };
    const theirs = signedRoot(made, 1, instant(NOW + DAY), online, root);
    const directory = trustDir(stateDir, ID, theirs);
    expect(await lastVerified({ ...subject, directory, provisionedRoot: theirs })).toBeUndefined();
  });
});
