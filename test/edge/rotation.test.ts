import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyFromSeed } from "../../publisher/keys/key_file.ts";
import type { BuildId } from "../../shared/brand.ts";
import { parseEnvelope } from "../../shared/tuf/schema.ts";
import { json, startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { type Believed, reader, readOn } from "../support/edge/reader.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
} from "../support/edge/repository.ts";
import { nextRoot } from "../support/edge/roots.ts";

let made: Ceremony;
let edge: Workerd;
let publisher: TestPublisher;
let id: BuildId;
let online: Ceremony["keys"];

beforeAll(async () => {
  made = await ceremony();
  const key = (n: number) => keyFromSeed(new Uint8Array(32).fill(n));
  const { snapshot, timestamp } = made.keys;
  online = {
    ...made.keys,
    snapshot: [...snapshot, await key(41)],
    timestamp: [...timestamp, await key(42)],
  };
  edge = await startWorkerd(secrets(made, online));
  publisher = new TestPublisher(made, edge.send);
  id = someBuildId();
  await publishNext(0);
});
afterAll(() => edge.miniflare.dispose());

async function publishNext(base: number): Promise<void> {
  const manifest = manifestBytes(id, []);
  const targets = await signedTargets(made, id, manifest, { version: base + 1 });
  expect((await publisher.publish({ buildId: id, base, targets, manifest })).status).toBe(201);
}

async function publishRoot(root: Uint8Array): Promise<void> {
  const answer = await publisher.signedRequest("POST", "/root", root);
  expect([answer.status, json(answer)]).toMatchObject([201, {}]);
}

const signer = async (): Promise<string | undefined> =>
  parseEnvelope((await publisher.feed(id)).timestamp, "timestamp")
    .signatures.keys()
    .next().value;

describe("the edge's keys, old and new at the same time", () => {
  it("are exchanged while hosts and TUF clients read, and each state that they see verifies", async () => {
    const [oldKey, newKey] = online.timestamp;
    const reading = reader(edge.send, made.root, id);
    const readers = [readOn(reading.bundle), readOn(reading.files), readOn(reading.files)];
    const settle = () => Promise.all(readers.map((one) => one.more(3)));
    await settle();

    const both = nextRoot(made, made.root, { snapshot: online.snapshot, timestamp: online.timestamp });
    await publishRoot(both);
    await settle();
    expect(await signer()).toBe(oldKey?.id);
    await publishNext(1);

    const alone = { snapshot: online.snapshot.slice(1), timestamp: online.timestamp.slice(1) };
    await publishRoot(nextRoot(made, both, alone));
    await settle();
    expect(await signer()).toBe(newKey?.id);
    await publishNext(2);
    await settle();

    const seen = await Promise.all(readers.map((one) => one.stop()));
    for (const states of seen) {
      const last = states.at(-1) as Believed;
      expect([last.root, last.targets]).toEqual([3, 3]);
      expect(new Set(states.map(({ root }) => root)).size).toBe(3);
    }
  });
});
