import { afterAll, beforeAll, expect, it } from "vitest";
import type { BuildId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { errorOf, type Send, startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { inFull } from "../support/edge/proof.ts";
import { reader, readOn } from "../support/edge/reader.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

/** Each publisher has an update for several of the kernels, so that many publish for each kernel at once. */
const [PUBLISHERS, KERNELS, EACH] = inFull ? [100, 20, 4] : [12, 3, 2];
const READERS = inFull ? 6 : 3;
const MODULE = utf8("the module of them all");

let made: Ceremony;
let edge: Workerd;
beforeAll(async () => {
  made = await ceremony();
  edge = await startWorkerd(secrets(made));
});
afterAll(() => edge.miniflare.dispose());

/** Sends again where a connection is closed just when it is used again, as a host does. */
const send: Send = async (method, path, init) => {
  for (let tries = 1; ; tries++) {
    try {
      return await edge.send(method, path, init);
    } catch (error) {
      const closed = error instanceof TypeError && error.message === "fetch failed";
      if (method !== "GET" || !closed || tries === 3) throw error;
    }
  }
};

async function attempt(
  publisher: TestPublisher,
  id: BuildId,
  base: number,
  updates: Parameters<typeof manifestBytes>[1],
) {
  const manifest = manifestBytes(id, updates);
  const targets = await signedTargets(made, id, manifest, { version: base + 1 });
  return publisher.publish({ buildId: id, base, targets, manifest });
}

it(`${PUBLISHERS} publishers at ${KERNELS} kernels lose no update, and every state that readers see meanwhile verifies`, async () => {
  const publisher = new TestPublisher(made, send);
  const ids = Array.from({ length: KERNELS }, () => someBuildId());
  expect((await publisher.stage(MODULE)).status).toBe(201);
  for (const id of ids) expect((await attempt(publisher, id, 0, [])).status).toBe(201);
  const readers = ids.slice(0, READERS).map((id, i) => {
    const reading = reader(send, made.root, id);
    return readOn(i % 2 === 0 ? reading.bundle : reading.files);
  });

  const wanted = new Map<BuildId, Set<string>>(ids.map((id) => [id, new Set()]));
  let conflicts = 0;
  const one = async (n: number) => {
    const update = await updateOf(`fix-${n}`, MODULE);
    for (let k = 0; k < EACH; k++) {
      const id = ids[(n + k) % ids.length] as BuildId;
      wanted.get(id)?.add(update.id);
      for (;;) {
        const { targets: base, manifest } = await reader(send, made.root, id).bundle();
        const answer = await attempt(publisher, id, base, [...manifest.updates, update]);
        if (answer.status === 201) break;
        expect([answer.status, errorOf(answer).code]).toEqual([409, "conflict"]);
        conflicts++;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * PUBLISHERS));
      }
    }
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, (_, n) => one(n)));
  const seen = await Promise.all(readers.map((one) => one.stop()));

  for (const id of ids) {
    const { targets, manifest } = await reader(send, made.root, id).files();
    const names = manifest.updates.map((update) => update.id);
    expect(new Set(names)).toEqual(wanted.get(id));
    expect(targets).toBe(names.length + 1);
  }
  expect(conflicts).toBeGreaterThan(0);
  for (const states of seen) expect(states.length).toBeGreaterThan(1);
  console.log(`${conflicts} conflicts, ${seen.reduce((sum, states) => sum + states.length, 0)} states read`);
}, 1_200_000);
