import { beforeAll, describe, expect, it } from "vitest";
import { LruCache } from "../../edge/http/lru_cache.ts";
import { Busy, MemoryBudget } from "../../edge/http/memory_budget.ts";
import { MAX_SHOWN_BYTES } from "../../edge/routes/shown_kernels.ts";
import { MemoryStore } from "../../edge/store/memory_store.ts";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { encodeManifest } from "../../shared/feed/manifest.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { instant, systemClock } from "../../shared/time.ts";
import { type Answer, errorOf, json } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestOf,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

const HTML = { Accept: "text/html" };
const MODULE = new Uint8Array([1, 2, 3]);
const now = systemClock();
let made: Ceremony;
let store: MemoryStore;
let edge: InProcess;
/** Files that were read. */
let reads: string[];

beforeAll(async () => {
  made = await ceremony(now);
  store = new MemoryStore();
  const get = store.get.bind(store);
  store.get = async (key, range) => {
    reads.push(key);
    return get(key, range);
  };
  reads = [];
  edge = await inProcess(made, () => now, { store });
  await edge.publisher.stage(MODULE);
});

async function publish(functions: number, cves: readonly string[] = ["CVE-2026-12345"]): Promise<BuildId> {
  const id = someBuildId();
  const update = await updateOf("fix-1", MODULE);
  const [object] = update.objects;
  const [one] = object?.functions ?? [];
  if (!object || !one) throw new Error("an update replaces something");
  const many = Array.from({ length: functions }, (_, n) => ({ ...one, name: `function_${n}` }));
  const manifest = encodeManifest(
    manifestOf(id, [{ ...update, cves, objects: [{ ...object, functions: many }] }]),
  );
  const targets = await signedTargets(made, id, manifest);
  expect((await edge.publisher.publish({ buildId: id, base: 0, targets, manifest })).status).toBe(201);
  reads.length = 0;
  return id;
}

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  edge.send("GET", path, { headers });
const text = ({ bytes }: Answer): string => new TextDecoder().decode(bytes);

describe("a kernel's page, asked for again and again", () => {
  it("is made of a feed that is read and decoded once", async () => {
    const id = await publish(10);
    for (let n = 0; n < 5; n++) {
      expect((await get(`/kernels/${id}`)).status).toBe(200);
      expect((await get(`/kernels/${id}`, HTML)).status).toBe(200);
      expect((await get(`/kernels/${id}/openvex.json`)).status).toBe(200);
    }
    expect(reads.filter((key) => key.includes(id))).toHaveLength(1);
  });

  it("shows the next state of the feed as soon as it is in force", async () => {
    const id = await publish(1);
    expect(json(await get(`/kernels/${id}`))["version"]).toBe(1);
    const manifest = encodeManifest(manifestOf(id, []));
    const targets = await signedTargets(made, id, manifest, { version: 2 });
    await edge.publisher.publish({ buildId: id, base: 1, targets, manifest });
    expect(json(await get(`/kernels/${id}`))).toMatchObject({ version: 2, complete: true, updates: [] });
  });
});

it("many who ask for a page at once make it be decoded once", async () => {
  const id = await publish(2000);
  const answers = await Promise.all(Array.from({ length: 40 }, () => get(`/kernels/${id}`)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(text)).size).toBe(1);
});

describe("a kernel whose feed is too large for a page", () => {
  let id: BuildId;
  beforeAll(async () => {
    id = await publish(26_000);
    expect((await store.head(`feeds/${id}.json`))?.length).toBeGreaterThan(MAX_SHOWN_BYTES);
  });

  it("is shown by what was recorded, and nothing of it is read", async () => {
    expect(json(await get(`/kernels/${id}`))).toMatchObject({
      kernel: { build_id: id },
      version: 1,
      complete: false,
      updates: [{ id: "fix-1", cves: ["CVE-2026-12345"], recalled: null }],
    });
    const page = text(await get(`/kernels/${id}`, HTML));
    expect(page).toContain("This kernel has more updates than a page can show");
    expect(page).toContain('href="/updates/fix-1"');
    const vex = await get(`/kernels/${id}/openvex.json`);
    expect([vex.status, errorOf(vex).code]).toEqual([404, "limit"]);
    expect(reads).toEqual([]);
  });

  it("says that it is not recorded yet, until it is", async () => {
    const { deps } = edge;
    const empty = await inProcess(made, () => now, { store });
    const answer = await empty.send("GET", `/kernels/${id}`);
    expect([answer.status, errorOf(answer).code, answer.headers.get("retry-after")]).toEqual([
      503,
      "limit",
      "3600",
    ]);
    expect((await get(`/kernels/${id}`)).status).toBe(200);
    expect(deps.faults).toEqual([]);
  });

  it("gives its small files without reading the large one to its end", async () => {
    const stream = await store.get(`feeds/${id}.json`);
    const manifest = JSON.parse(text(await get(`/kernels/${id}/feed.json`))) as { manifest: string };
    const digest = sha256Of(new TextEncoder().encode(manifest.manifest));
    await stream?.stream().cancel();
    for (const path of ["metadata/timestamp.json", "metadata/1.snapshot.json", "metadata/1.targets.json"])
      expect((await get(`/kernels/${id}/${path}`)).status).toBe(200);
    const named = `/kernels/${id}/targets/kernels/${digest}.${id}.json`;
    expect((await edge.send("HEAD", named)).headers.get("content-length")).toBe(
      String(new TextEncoder().encode(manifest.manifest).length),
    );
    expect((await get(named, { "If-None-Match": `"${digest}"` })).status).toBe(304);
    reads.length = 0;
    for (let n = 0; n < 3; n++) expect(sha256Of((await get(named)).bytes)).toBe(digest);
    expect(reads).toHaveLength(2); // its beginning, and the whole of it once
  });
});

it("an OpenVEX document is not made of more CVEs than anybody reads", async () => {
  const id = someBuildId();
  const updates = await Promise.all(
    Array.from({ length: 40 }, async (_, n) => ({
      ...(await updateOf(`fix-${n}`, MODULE)),
      recalled: "x".repeat(900),
      cves: Array.from({ length: 256 }, (_, k) => `CVE-2026-${10_000 + 256 * n + k}`),
    })),
  );
  const manifest = encodeManifest(manifestOf(id, updates));
  const targets = await signedTargets(made, id, manifest);
  expect((await edge.publisher.publish({ buildId: id, base: 0, targets, manifest })).status).toBe(201);
  const answer = await get(`/kernels/${id}/openvex.json`);
  expect([answer.status, errorOf(answer).code]).toEqual([404, "limit"]);
  expect((await get(`/kernels/${id}`, HTML)).bytes.length).toBeLessThan(500_000);
});

describe("room for files in memory", () => {
  it("is for one large one at a time, or many small ones, and given back whatever happens", async () => {
    let time = now;
    let waited = 0;
    let meanwhile: () => void = () => {};
    const room = new MemoryBudget(
      () => time,
      async () => {
        if (++waited % 3 === 0) meanwhile();
      },
    );
    let finish: () => void = () => {};
    const slow = room.hold(
      MAX_BUNDLE_BYTES - 100,
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    expect(await room.hold(100, async () => "beside")).toBe("beside");
    await expect(room.hold(101, async () => 0)).rejects.toBeInstanceOf(Busy);
    expect(waited).toBeGreaterThan(10);
    meanwhile = () => finish();
    expect(await room.hold(MAX_BUNDLE_BYTES, async () => "after")).toBe("after");
    await slow;
    await expect(room.hold(MAX_BUNDLE_BYTES, () => Promise.reject(new Error("no disk")))).rejects.toThrow(
      "no disk",
    );
    void room.hold(MAX_BUNDLE_BYTES, () => new Promise(() => {})); // nobody will ever say that it ended
    await expect(room.hold(1, async () => 0)).rejects.toBeInstanceOf(Busy);
    time = instant(time + 60_000);
    expect(await room.hold(1, async () => "forgotten")).toBe("forgotten");
  });

  it("is answered with 503 where there is none, for people too", async () => {
    const id = await publish(1);
    const file = store.get;
    store.get = async () => {
      throw new Busy("too many large files are being read");
    };
    const answer = await get(`/kernels/${id}`);
    const page = await get(`/kernels/${id}`, HTML);
    store.get = file;
    expect([answer.status, errorOf(answer).code, answer.headers.get("retry-after")]).toEqual([
      503,
      "busy",
      "2",
    ]);
    expect([page.status, page.headers.get("retry-after")]).toEqual([503, "2"]);
  });
});

it("what is kept has a bound of bytes and of entries, and is of one state", () => {
  const kept = new LruCache<string>(100, 3);
  kept.put("a", "1", "A", 60);
  kept.put("b", "1", "B", 30);
  expect(kept.get("a", "1")).toBe("A");
  expect(kept.get("a", "2")).toBeUndefined();
  kept.put("c", "1", "C", 30); // b was used longest ago
  expect([kept.get("a", "1"), kept.get("b", "1"), kept.get("c", "1")]).toEqual(["A", undefined, "C"]);
  kept.put("a", "2", "A2", 1);
  kept.put("d", "1", "D", 1);
  kept.put("e", "1", "E", 1);
  expect(["a", "c", "d", "e"].map((key) => kept.get(key, key === "a" ? "2" : "1"))).toEqual([
    "A2",
    undefined,
    "D",
    "E",
  ]);
  kept.put("huge", "1", "H", 101);
  expect(kept.get("huge", "1")).toBeUndefined();
});
