import { beforeEach, describe, expect, it } from "vitest";
import { TIMESTAMP_LIFETIME } from "../../edge/publish/lifetimes.ts";
import { runMaintenance } from "../../edge/publish/maintenance.ts";
import { STAGING_WEEK } from "../../edge/publish/staging_area.ts";
import { MemoryStore } from "../../edge/store/memory_store.ts";
import { sha256Of } from "../../node/crypto.ts";
import { keyFromSeed } from "../../publisher/keys/key_file.ts";
import type { BuildId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { encodePublication } from "../../shared/feed/publication.ts";
import { DAY, HOUR, type Instant, instant, MINUTE, SECOND } from "../../shared/time.ts";
import { json } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  signedTargets,
  someBuildId,
  tokenFor,
  updateOf,
} from "../support/edge/repository.ts";

const START = instant(STAGING_WEEK * 2900 + 6 * DAY);
let now: Instant;
let made: Ceremony;
let store: MemoryStore;
let edge: InProcess;

beforeEach(async () => {
  now = START;
  made = await ceremony(START);
  store = new MemoryStore();
  edge = await inProcess(made, () => now, { store });
});

async function request(method: string, path: string, body: Uint8Array): Promise<number> {
  return (await edge.publisher.signedRequest(method, path, body, { now })).status;
}

async function publish(
  expires = instant(now + 300 * DAY),
  modules: readonly Uint8Array[] = [],
): Promise<BuildId> {
  const id = someBuildId();
  const updates = await Promise.all(modules.map((module, i) => updateOf(`fix-${i}`, module)));
  const manifest = manifestBytes(id, updates);
  const targets = await signedTargets(made, id, manifest, { expires });
  const order = { buildId: id, base: 0, targets, manifest };
  expect(await request("POST", `/kernels/${id}/publish`, encodePublication(order))).toBe(201);
  return id;
}

interface Health {
  readonly status: string;
  readonly alarms: readonly { readonly name: string; readonly level: string; readonly message: string }[];
}

async function health(at: InProcess = edge): Promise<readonly [number, string, string]> {
  now = instant(now + 6 * SECOND);
  const answer = await at.send("GET", "/health");
  const { status, alarms } = json(answer) as unknown as Health;
  return [answer.status, status, alarms.map(({ name, level }) => `${name} ${level}`).join(", ")];
}

describe("the health of an edge", () => {
  it("is good after a round, tells what ends when, and may be kept for seconds", async () => {
    expect(await health()).toEqual([200, "warning", "round_missing warning"]);
    const id = await publish(instant(START + 90 * DAY));
    await publish();
    await runMaintenance(edge.deps);
    expect(await health()).toEqual([200, "ok", ""]);
    const answer = await edge.send("GET", "/health");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=5");
    expect(json(answer)).toMatchObject({
      root: { version: 1 },
      keys: { snapshot: true, timestamp: true },
      store: { readable: true, last_error: null },
      round: { kernels: 2, failed: 0, nearest: { targets: { kernel: id } } },
    });
  });

  it("has an alarm for what ends soon, and for rounds that do not come", async () => {
    await publish(instant(START + 40 * DAY));
    await runMaintenance(edge.deps);
    now = instant(now + 13 * HOUR);
    expect(await health()).toEqual([200, "warning", "round_missing warning"]);
    now = instant(START + 15 * DAY);
    await runMaintenance(edge.deps);
    expect(await health()).toEqual([200, "warning", "targets_expires warning"]);
    now = instant(START + 400 * DAY);
    expect(await health()).toMatchObject([503, "failing", expect.stringContaining("root_expires failing")]);
  });

  it("fails when what the edge signs is about to be refused by hosts", async () => {
    await publish();
    const broken = { ...edge.deps.queue, renew: () => Promise.reject(new Error("no object")) };
    now = instant(START + TIMESTAMP_LIFETIME - HOUR);
    await runMaintenance({ ...edge.deps, queue: broken });
    expect(await health()).toEqual([200, "warning", "timestamp_expires warning, round_failed warning"]);
    now = instant(START + TIMESTAMP_LIFETIME + MINUTE);
    expect(await health()).toEqual([503, "failing", "timestamp_expires failing, round_failed warning"]);
    await runMaintenance(edge.deps);
    expect(await health()).toEqual([200, "ok", ""]);
  });

  it("fails with keys that the root does not name", async () => {
    const other = await keyFromSeed(new Uint8Array(32).fill(77));
    const wrong = await inProcess(made, () => now, { store, online: { timestamp: [other] } });
    expect(await health(wrong)).toEqual([503, "failing", "timestamp_key failing, round_missing warning"]);
  });

  it("fails while the store does, says so for a while after, and keeps what it said to itself", async () => {
    await runMaintenance(edge.deps);
    const get = store.get.bind(store);
    store.get = () => Promise.reject(new Error("SECRET-VALUE"));
    expect(await health()).toMatchObject([
      503,
      "failing",
      expect.stringContaining("store_unreadable failing"),
    ]);
    const answer = await edge.send("GET", "/health");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(new TextDecoder().decode(answer.bytes)).not.toContain("SECRET");
    store.get = get;
    expect(await health()).toEqual([200, "warning", "store_errors warning"]);
    now = instant(now + 16 * MINUTE);
    expect(await health()).toEqual([200, "ok", ""]);
  });
});

describe("uploads that nobody published", () => {
  const staged = async () => (await store.list("staging/")).files.length;

  it("are swept once nobody can name them any more, and what was published stays", async () => {
    const modules = [utf8("named"), utf8("never named")];
    for (const module of modules) {
      expect(await request("PUT", `/staging/${sha256Of(module)}`, module)).toBe(201);
    }
    await publish(undefined, modules.slice(0, 1));
    expect([await staged(), (await runMaintenance(edge.deps)).swept]).toEqual([1, 0]);
    now = instant(now + STAGING_WEEK);
    expect([(await runMaintenance(edge.deps)).swept, await staged()]).toEqual([0, 1]);
    now = instant(now + STAGING_WEEK);
    expect([(await runMaintenance(edge.deps)).swept, await staged()]).toEqual([1, 0]);
    expect((await store.list("artifacts/")).files).toHaveLength(1);
  });

  it("are there for a publish a week after they were sent, also on the last day of a week", async () => {
    const module = utf8("sent on the last day");
    const path = `/staging/${sha256Of(module)}`;
    now = instant(STAGING_WEEK * 2901 - SECOND);
    expect(await request("PUT", path, module)).toBe(201);
    now = instant(now + STAGING_WEEK);
    await runMaintenance(edge.deps);
    await publish(undefined, [module]);
    expect(await request("PUT", path, module)).toBe(200);
    expect(await staged()).toBe(0);
  });

  it("are to be sent again in another week, and then stay for another", async () => {
    const module = utf8("sent twice");
    const path = `/staging/${sha256Of(module)}`;
    const ask = utf8(`{"sha256":["${sha256Of(module)}"]}`);
    const missing = async () => {
      const token = await tokenFor(made, "POST", "/staging", ask, { now });
      const headers = { Authorization: `Bearer ${token}` };
      return json(await edge.send("POST", "/staging", { body: ask, headers }))["missing"];
    };
    expect([await request("PUT", path, module), await missing()]).toEqual([201, []]);
    now = instant(now + STAGING_WEEK);
    expect(await missing()).toEqual([sha256Of(module)]);
    expect([await request("PUT", path, module), await missing()]).toEqual([201, []]);
    now = instant(now + STAGING_WEEK);
    expect([(await runMaintenance(edge.deps)).swept, await staged()]).toEqual([1, 1]);
  });
});
