import { beforeEach, describe, expect, it } from "vitest";
import { MemoryStore } from "../../../edge/store/memory_store.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { type Clock, DAY, instant, MINUTE, systemClock } from "../../../shared/time.ts";
import { type InProcess, inProcess } from "../../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  signedTargets,
  someBuildId,
} from "../../support/edge/repository.ts";

/** Counts the reads of a store. */
class CountingStore extends MemoryStore {
  asked = 0;
  override head(key: string) {
    this.asked++;
    return super.head(key);
  }
  override get(...args: Parameters<MemoryStore["get"]>) {
    this.asked++;
    return super.get(...args);
  }
}

let made: Ceremony;
let now: ReturnType<Clock>;
let store: CountingStore;
let here: InProcess;
/** Makes another isolate of the same Worker: with the same store, and a memory of its own. */
let elsewhere: InProcess;
let id: BuildId;
beforeEach(async () => {
  now = systemClock();
  const clock: Clock = () => now;
  made = await ceremony(now);
  store = new CountingStore();
  here = await inProcess(made, clock, { store });
  elsewhere = await inProcess(made, clock, { store });
  id = someBuildId();
  await publish(here, 1);
});

async function publish({ publisher }: InProcess, version: number): Promise<void> {
  const manifest = manifestBytes(id, []);
  const targets = await signedTargets(made, id, manifest, { version });
  const answer = await publisher.publish({ buildId: id, base: version - 1, manifest, targets });
  expect(answer.status).toBe(201);
}

async function poll({ send }: InProcess, etag?: string) {
  const headers = etag === undefined ? {} : { "If-None-Match": etag };
  const answer = await send("GET", `/${feedPath(id)}`, { headers });
  return { status: answer.status, etag: answer.headers.get("etag") ?? "" };
}

describe("a poll that brings nothing", () => {
  it("asks the store once a minute, however many hosts ask", async () => {
    const { etag } = await poll(here);
    const before = store.asked;
    for (let host = 0; host < 50; host++) expect(await poll(here, etag)).toEqual({ status: 304, etag });
    expect(await poll(here, `W/${etag}, "other"`)).toEqual({ status: 304, etag });
    expect(store.asked).toBe(before);
    now = instant(now + MINUTE);
    expect((await poll(here, etag)).status).toBe(304);
    expect(store.asked).toBeGreaterThan(before);
  });

  it("hears of a publish at once where it was made, and within a minute elsewhere", async () => {
    const { etag } = await poll(here);
    expect((await poll(elsewhere, etag)).status).toBe(304);
    await publish(here, 2);
    expect((await poll(here, etag)).status).toBe(200);
    now = instant(now + MINUTE);
    expect((await poll(elsewhere, etag)).status).toBe(200);
  });

  it("is never sent back to what another isolate still knows", async () => {
    const { etag: old } = await poll(elsewhere);
    await publish(here, 2);
    const { etag: newest } = await poll(here);
    expect(newest).not.toBe(old);
    // Still within its minute: who has the new one is answered from the store, and so is who has none.
    expect(await poll(elsewhere, newest)).toEqual({ status: 304, etag: newest });
    expect(await poll(elsewhere)).toEqual({ status: 200, etag: newest });
  });

  it("is told of a new signature as soon as half a life is over, within the minute too", async () => {
    now = instant(now + 3.5 * DAY - MINUTE / 2);
    const { etag } = await poll(here);
    expect((await poll(here, etag)).status).toBe(304);
    now = instant(now + MINUTE / 2);
    const renewed = await poll(here, etag);
    expect(renewed.status).toBe(200);
    expect(renewed.etag).not.toBe(etag);
  });

  it("reads as one when the header says nothing, or nonsense", async () => {
    await poll(here);
    for (const header of ['"', "*x", '"a" "b"', "W/"]) expect((await poll(here, header)).status).toBe(200);
  });
});
