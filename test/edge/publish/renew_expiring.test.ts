import { beforeEach, describe, expect, it } from "vitest";
import { MemoryCatalogue } from "../../../edge/catalogue/memory_catalogue.ts";
import { TIMESTAMP_LIFETIME } from "../../../edge/publish/lifetimes.ts";
import { renewExpiring } from "../../../edge/publish/renew_expiring.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { type Instant, instant, SECOND, systemClock } from "../../../shared/time.ts";
import { decodeTimestamp, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { type InProcess, inProcess } from "../../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  signedTargets,
  someBuildId,
} from "../../support/edge/repository.ts";

const START = systemClock();
let now: Instant;
let made: Ceremony;
let edge: InProcess;

beforeEach(async () => {
  now = START;
  made = await ceremony(START);
  edge = await inProcess(made, () => now);
});

async function publishNew(): Promise<BuildId> {
  const id = someBuildId();
  const manifest = manifestBytes(id, []);
  const targets = await signedTargets(made, id, manifest, {
    expires: instant(START + 10 * TIMESTAMP_LIFETIME),
  });
  expect((await edge.publisher.publish({ buildId: id, base: 0, targets, manifest })).status).toBe(201);
  return id;
}

describe("a round of tending", () => {
  it("finds nothing to do right after a publish", async () => {
    await publishNew();
    expect(await renewExpiring(edge.deps)).toMatchObject({ kernels: 1, renewed: 0, recorded: 0, failed: 0 });
  });

  it("signs again what nobody read", async () => {
    const ids = [await publishNew(), await publishNew(), await publishNew()];
    now = instant(START + TIMESTAMP_LIFETIME / 2);
    expect(await renewExpiring(edge.deps)).toMatchObject({ kernels: 3, renewed: 3, recorded: 0, failed: 0 });
    for (const id of ids) {
      const { timestamp } = await edge.publisher.feed(id);
      const { expires } = decodeTimestamp(parseEnvelope(timestamp, "timestamp").signed);
      expect(expires).toBe(Math.floor((now + TIMESTAMP_LIFETIME) / SECOND) * SECOND);
    }
    expect(await renewExpiring(edge.deps)).toMatchObject({ renewed: 0 });
  });

  it("records what a catalogue missed or lost", async () => {
    const id = await publishNew();
    await publishNew();
    const catalogue = new MemoryCatalogue();
    expect(await renewExpiring({ ...edge.deps, catalogue })).toMatchObject({
      kernels: 2,
      renewed: 0,
      recorded: 2,
      failed: 0,
    });
    expect(await catalogue.versions([id])).toEqual([1]);
  });

  it("goes on after a kernel that fails, and says so", async () => {
    const [bad] = [await publishNew(), await publishNew()];
    now = instant(START + TIMESTAMP_LIFETIME / 2);
    const real = edge.deps.queue;
    const queue = {
      ...real,
      renew: (id: BuildId) => (id === bad ? Promise.reject(new Error("storage")) : real.renew(id)),
    };
    expect(await renewExpiring({ ...edge.deps, queue })).toMatchObject({
      kernels: 2,
      renewed: 1,
      recorded: 0,
      failed: 1,
    });
    expect(edge.reports).toEqual([new Error("storage")]);
  });
});

it("a publish is in force where the catalogue fails", async () => {
  edge.deps.catalogue.record = () => Promise.reject(new Error("no catalogue"));
  const id = await publishNew();
  expect(edge.reports).toEqual([new Error("no catalogue")]);
  expect((await edge.send("GET", `/kernels/${id}/feed.json`)).status).toBe(200);
});
