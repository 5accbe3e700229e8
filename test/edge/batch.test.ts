import { beforeAll, describe, expect, it } from "vitest";
import { MemoryStore } from "../../edge/store/memory_store.ts";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { concatBytes, utf8 } from "../../shared/bytes.ts";
import { decodeFeeds, encodeBatch, encodeQuestion, FEEDS_BYTES, MAX_BATCH } from "../../shared/feed/batch.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { Update } from "../../shared/feed/update.ts";
import { systemClock } from "../../shared/time.ts";
import { type Answer, errorOf, json, startWorkerd, TestPublisher } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

const MODULE = utf8("one module for all of them");
let made: Ceremony;
let update: Update;
beforeAll(async () => {
  made = await ceremony();
  update = await updateOf("fix-1", MODULE);
});

async function publicationOf(buildId: BuildId, updates: readonly Update[], base = 0): Promise<Publication> {
  const manifest = manifestBytes(buildId, updates);
  return {
    buildId,
    base,
    manifest,
    targets: await signedTargets(made, buildId, manifest, { version: base + 1 }),
  };
}
const several = (count: number) =>
  Promise.all(Array.from({ length: count }, () => publicationOf(someBuildId(), [update])));

interface Result {
  readonly build_id: string;
  readonly outcome: string;
  readonly version: number;
  readonly missing?: readonly string[];
  readonly message?: string;
}
const post = (publisher: TestPublisher, path: string, body: Uint8Array) =>
  publisher.signedRequest("POST", path, body);
const results = (answer: Answer) => json(answer)["results"] as readonly Result[];
const outcomes = (answer: Answer) =>
  Object.fromEntries(results(answer).map(({ build_id, outcome }) => [build_id, outcome]));
const snapshot = async ({ store }: InProcess) =>
  (await store.list("")).files
    .filter(({ key }) => !key.startsWith("audit/"))
    .map(({ key, revision, sha256 }) => `${key} ${revision} ${sha256}`);

describe("publications of many kernels", () => {
  it("are each put in force in the real Worker, whatever becomes of the others", async () => {
    const edge = await startWorkerd(secrets(made));
    try {
      const publisher = new TestPublisher(made, edge.send);
      await publisher.stage(MODULE);
      const [good, bad, ahead, lacking, last] = await several(5);
      if (!good || !bad || !ahead || !lacking || !last) throw new Error("five");
      const unstaged = await publicationOf(lacking.buildId, [await updateOf("fix-2", utf8("not staged"))]);
      const unsigned = {
        ...bad,
        targets: await signedTargets(made, bad.buildId, bad.manifest, { signers: [] }),
      };
      const foreign = await publicationOf(ahead.buildId, [update], 3);
      const body = encodeBatch([good, unsigned, foreign, unstaged, last]);
      const answer = await post(publisher, "/publications", body);
      expect(answer.status).toBe(200);
      expect(outcomes(answer)).toEqual({
        [good.buildId]: "published",
        [bad.buildId]: "refused",
        [ahead.buildId]: "conflict",
        [lacking.buildId]: "refused",
        [last.buildId]: "published",
      });
      const message = results(answer).find(({ build_id }) => build_id === lacking.buildId)?.message;
      expect(message).toMatch(/was not staged/);
      for (const { buildId, manifest } of [good, last]) {
        expect((await publisher.feed(buildId)).manifest).toEqual(manifest);
      }
      for (const { buildId } of [bad, ahead, lacking]) {
        expect((await edge.send("GET", `/kernels/${buildId}/feed.json`)).status).toBe(404);
      }
      const found = json(await edge.send("GET", "/kernels", { headers: { accept: "application/json" } }));
      expect(found["kernels"]).toHaveLength(2);

      const asked = encodeQuestion("build_ids", [good.buildId, bad.buildId]);
      const feeds = decodeFeeds((await post(publisher, "/feeds", asked)).bytes);
      expect(feeds.feeds.map((feed) => decodeBundle(feed).buildId)).toEqual([good.buildId]);
      expect([feeds.absent, feeds.leftOff]).toEqual([[bad.buildId], []]);
    } finally {
      await edge.miniflare.dispose();
    }
  });

  it("lose nothing when overlapping sets come at once", async () => {
    const edge = await inProcess(made, systemClock);
    await edge.publisher.stage(MODULE);
    const ids = Array.from({ length: 12 }, someBuildId);
    const push = async (id: string, mine: readonly BuildId[]) => {
      let pending = mine;
      const own = { ...(await updateOf(id, MODULE)) };
      for (let round = 0; pending.length > 0 && round < 20; round++) {
        const asked = encodeQuestion("build_ids", pending);
        const { feeds } = decodeFeeds((await post(edge.publisher, "/feeds", asked)).bytes);
        const bundles = new Map(feeds.map((feed) => decodeBundle(feed)).map((one) => [one.buildId, one]));
        const publications = pending.map((buildId) => {
          const manifest = bundles.get(buildId)?.manifest;
          const before = manifest ? decodeManifest(manifest).updates : [];
          return publicationOf(buildId, [...before, own], before.length);
        });
        const answer = await post(
          edge.publisher,
          "/publications",
          encodeBatch(await Promise.all(publications)),
        );
        const done = outcomes(answer);
        pending = pending.filter((buildId) => done[buildId] === "conflict");
      }
      expect(pending).toEqual([]);
    };
    await Promise.all([push("fix-a", ids.slice(0, 8)), push("fix-b", ids.slice(4)), push("fix-c", ids)]);
    for (const [i, buildId] of ids.entries()) {
      const { updates } = decodeManifest((await edge.publisher.feed(buildId)).manifest);
      const expected = [...(i < 8 ? ["fix-a"] : []), ...(i >= 4 ? ["fix-b"] : []), "fix-c"];
      expect(updates.map(({ id }) => id).sort()).toEqual(expected);
    }
  });

  it("are judged by a dry run, which writes nothing", async () => {
    const edge = await inProcess(made, systemClock);
    const [one, two] = await several(2);
    if (!one || !two) throw new Error("two");
    const unsigned = {
      ...two,
      targets: await signedTargets(made, two.buildId, two.manifest, { signers: [] }),
    };
    const spendingAside = async () => (await snapshot(edge)).filter((line) => !line.startsWith("tokens/"));
    const before = await spendingAside();
    const answer = await post(edge.publisher, "/publications/dry-run", encodeBatch([one, unsigned]));
    expect(outcomes(answer)).toEqual({ [one.buildId]: "acceptable", [two.buildId]: "refused" });
    const sha256 = sha256Of(MODULE);
    expect(results(answer).find(({ build_id }) => build_id === one.buildId)?.missing).toEqual([sha256]);
    expect(await spendingAside()).toEqual(before);
  });

  it("stand when the store fails for one of them", async () => {
    const store = new MemoryStore();
    const [one, two] = await several(2);
    if (!one || !two) throw new Error("two");
    const create = store.create.bind(store);
    store.create = (key, ...rest) =>
      key.includes(`feeds/${one.buildId}`) ? Promise.reject(new Error("disk on fire")) : create(key, ...rest);
    const edge = await inProcess(made, systemClock, { store });
    await edge.publisher.stage(MODULE);
    const answer = await post(edge.publisher, "/publications", encodeBatch([one, two]));
    expect(outcomes(answer)).toEqual({ [one.buildId]: "failed", [two.buildId]: "published" });
    expect(new TextDecoder().decode(answer.bytes)).not.toContain("fire");
    expect(String(edge.reports[0])).toContain("disk on fire");
  });
});

describe("a body that is no batch changes nothing", () => {
  it.each<readonly [string, (lines: readonly Publication[]) => Promise<Uint8Array>, number, RegExp]>([
    ["cut short", async (lines) => encodeBatch(lines).slice(0, -2), 400, /line 3/],
    ["with an empty line", async (lines) => concatBytes([encodeBatch(lines), utf8("\n")]), 400, /line 4/],
    ["with noise", async (lines) => concatBytes([encodeBatch(lines), utf8("{}\n")]), 400, /line 4/],
    ["not UTF-8", async () => Uint8Array.of(0xff, 0xfe), 400, /line 1/],
    [
      "with a kernel twice",
      async (lines) => encodeBatch([...lines, ...lines.slice(0, 1)]),
      400,
      /lines 1 and 4/,
    ],
    [
      "of too many kernels",
      async ([first]) => encodeBatch(Array.from({ length: MAX_BATCH + 1 }, () => first as Publication)),
      413,
      /are allowed in one request/,
    ],
    ["too long", async () => new Uint8Array(33 * 1024 * 1024), 413, /bytes allowed/],
  ])("%s", async (_, make, status, message) => {
    const edge = await inProcess(made, systemClock);
    await edge.publisher.stage(MODULE);
    const before = await snapshot(edge);
    const answer = await post(edge.publisher, "/publications", await make(await several(3)));
    expect(answer.status).toBe(status);
    expect(errorOf(answer).message).toMatch(message);
    expect(await snapshot(edge)).toEqual(before);
  });
});

describe("questions about many", () => {
  it("are answered with the digests that are nowhere", async () => {
    const edge = await inProcess(made, systemClock);
    await edge.publisher.stage(MODULE);
    const absent = sha256Of(utf8("never sent"));
    const ask = async () => {
      const asked = encodeQuestion("sha256", [sha256Of(MODULE), absent]);
      return json(await post(edge.publisher, "/staging", asked))["missing"];
    };
    expect(await ask()).toEqual([absent]);
    await post(edge.publisher, "/publications", encodeBatch(await several(1)));
    expect(await ask()).toEqual([absent]);
  });

  it("leave off what is too long for one answer", async () => {
    const edge = await inProcess(made, systemClock);
    const ids = Array.from({ length: 3 }, someBuildId);
    const long = "x".repeat(FEEDS_BYTES * 0.4);
    for (const id of ids) await edge.store.create(`feeds/${id}.json`, utf8(JSON.stringify({ long })));
    const answer = await post(edge.publisher, "/feeds", encodeQuestion("build_ids", ids));
    const { feeds, leftOff } = decodeFeeds(answer.bytes);
    expect([feeds.length, leftOff.length]).toEqual([2, 1]);
  });

  it("are refused when they ask for too much or for nonsense", async () => {
    const edge = await inProcess(made, systemClock);
    const many = encodeQuestion("build_ids", Array.from({ length: MAX_BATCH + 1 }, someBuildId));
    expect((await post(edge.publisher, "/feeds", many)).status).toBe(400);
    expect((await post(edge.publisher, "/staging", utf8('{"sha256":["../x"]}'))).status).toBe(400);
    expect((await edge.send("POST", "/feeds", { body: many })).status).toBe(401);
  });
});
