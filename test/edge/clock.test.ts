import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SNAPSHOT_LIFETIME, TIMESTAMP_LIFETIME } from "../../edge/publish/lifetimes.ts";
import type { BuildId } from "../../shared/brand.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { encodePublication } from "../../shared/feed/publication.ts";
import { DAY, type Instant, instant, MINUTE, systemClock } from "../../shared/time.ts";
import { decodeSnapshot, decodeTimestamp, parseEnvelope } from "../../shared/tuf/schema.ts";
import { errorOf, startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { reader } from "../support/edge/reader.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  tokenFor,
} from "../support/edge/repository.ts";

const TARGETS_LIFE = 90 * DAY;
let made: Ceremony;
let state: string;
const [read, unread]: readonly [BuildId, BuildId] = [someBuildId(), someBuildId()];

beforeAll(async () => {
  made = await ceremony();
  state = await mkdtemp(join(tmpdir(), "rebootless-clock-"));
  await at(0, async (edge) => {
    for (const id of [read, unread]) expect(await publish(edge, id, 0, systemClock())).toBe(201);
  });
});
afterAll(() => rm(state, { recursive: true, force: true }));

/** The same edge with its clock so far ahead. */
async function at(
  ahead: number,
  work: (edge: Workerd, clock: () => Instant) => Promise<void>,
): Promise<void> {
  const edge = await startWorkerd(secrets(made), { state, ahead });
  try {
    await work(edge, () => instant(systemClock() + ahead));
  } finally {
    await edge.miniflare.dispose();
  }
}

async function publish(edge: Workerd, id: BuildId, base: number, now: Instant): Promise<number> {
  const manifest = manifestBytes(id, []);
  const expires = instant(now + TARGETS_LIFE);
  const targets = await signedTargets(made, id, manifest, { version: base + 1, expires });
  const body = encodePublication({ buildId: id, base, targets, manifest });
  const publisher = new TestPublisher(made, edge.send);
  return (await publisher.signedRequest("POST", `/kernels/${id}/publish`, body, { now })).status;
}

describe("an edge in workerd, as time goes by", () => {
  it.each([
    ["past half of the timestamp's life", TIMESTAMP_LIFETIME / 2 + MINUTE],
    ["past the timestamp's end", TIMESTAMP_LIFETIME + DAY],
    ["past the snapshot's end", SNAPSHOT_LIFETIME + 10 * DAY],
  ])("serves what is in force, %s, to everybody who comes first", async (_, ahead) => {
    await at(ahead, async ({ send }, clock) => {
      const reading = reader(send, made.root, read, clock);
      const seen = await Promise.all([reading.bundle(), reading.files(), reading.bundle(), reading.files()]);
      expect(new Set(seen.map(({ timestamp }) => timestamp)).size).toBe(1);
    });
  });

  it("signs again by cron what nobody read, and says in /health what ends", async () => {
    await at(SNAPSHOT_LIFETIME + 11 * DAY, async ({ send, miniflare }, clock) => {
      await (await miniflare.getWorker()).scheduled({ cron: "17 */4 * * *" });
      const bucket = await miniflare.getR2Bucket("FEED");
      const stored = await bucket.get(`feeds/${unread}.json`);
      const bundle = decodeBundle(new Uint8Array((await stored?.arrayBuffer()) ?? new ArrayBuffer()));
      const { expires } = decodeTimestamp(parseEnvelope(bundle.timestamp, "timestamp").signed);
      expect(expires - clock()).toBeGreaterThan(TIMESTAMP_LIFETIME - DAY);
      const health = await send("GET", "/health");
      expect([health.status, JSON.parse(new TextDecoder().decode(health.bytes))]).toMatchObject([
        200,
        { status: "ok", round: { kernels: 2, renewed: 1, failed: 0 } },
      ]);
    });
  });

  it("serves a timestamp and a snapshot in force also past the end of targets, and takes new ones", async () => {
    await at(TARGETS_LIFE + DAY, async (edge, clock) => {
      const reading = reader(edge.send, made.root, read, clock);
      await expect(reading.bundle()).rejects.toMatchObject({
        code: "expired",
        message: expect.stringMatching(/^targets expired/),
      });
      const bundle = decodeBundle((await edge.send("GET", `/${feedPath(read)}`)).bytes);
      const { expires } = decodeSnapshot(parseEnvelope(bundle.snapshot, "snapshot").signed);
      expect(expires).toBeGreaterThan(clock());
      expect(await publish(edge, read, 1, clock())).toBe(201);
      expect((await reading.bundle()).targets).toBe(2);
    });
  });

  it("refuses a token of before", async () => {
    await at(DAY, async ({ send }) => {
      const token = await tokenFor(made, "GET", "/audit", new Uint8Array());
      const answer = await send("GET", "/audit", { headers: { Authorization: `Bearer ${token}` } });
      expect([answer.status, errorOf(answer).message]).toEqual([401, "the token has expired"]);
    });
  });
});
