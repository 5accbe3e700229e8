import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { fromUtf8 } from "../../shared/bytes.ts";
import {
  changesPath,
  decodeListing,
  decodeRenewals,
  MAX_RENEWALS,
  renewalsPath,
} from "../../shared/feed/listing.ts";
import { type Answer, errorOf, startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { ceremony, manifestBytes, secrets, signedTargets, someBuildId } from "../support/edge/repository.ts";

const NO_PUBLISHERS = buildId("ee".repeat(20));
let edge: Workerd;
let publisher: TestPublisher;
const ids = [someBuildId(), someBuildId(), someBuildId()] as const;

async function publish(id: BuildId, version: number): Promise<void> {
  const manifest = manifestBytes(id, []);
  const targets = await signedTargets(publisher.made, id, manifest, { version });
  const answer = await publisher.publish({ buildId: id, base: version - 1, targets, manifest });
  expect(answer.status).toBe(201);
}

beforeAll(async () => {
  const made = await ceremony();
  edge = await startWorkerd(secrets(made));
  publisher = new TestPublisher(made, edge.send);
  for (const id of ids) await publish(id, 1);
});
afterAll(() => edge.miniflare.dispose());

const get = (path: string): Promise<Answer> => edge.send("GET", `/${path}`);

describe("what mirrors ask", () => {
  it("lists the kernels that changed since", async () => {
    const all = decodeListing((await get(changesPath(undefined))).bytes);
    expect(all.kernels.map(({ buildId }) => buildId)).toEqual(ids);
    await publish(ids[0], 2);
    const { kernels, more } = decodeListing((await get(changesPath(all.next))).bytes);
    expect([kernels.map(({ buildId, version }) => [buildId, version]), more]).toEqual([[[ids[0], 2]], false]);
  });

  it("gives the timestamps of many kernels at once, as their feeds have them", async () => {
    const answer = await get(renewalsPath([ids[1], NO_PUBLISHERS, ids[2], ids[1]]));
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const renewals = decodeRenewals(answer.bytes);
    expect(renewals.map(({ buildId }) => buildId)).toEqual([ids[1], ids[2]]);
    const { timestamp, snapshot } = await publisher.feed(ids[1]);
    expect(renewals[0]).toMatchObject({ timestamp, snapshot });
    expect(fromUtf8(timestamp)).toContain('"timestamp"');
  });

  it.each([
    ["no question", "kernels/timestamps"],
    ["nothing", "kernels/timestamps?ids="],
    ["what is no build ID", `kernels/timestamps?ids=${ids[0]},..`],
    ["too many", renewalsPath(Array.from({ length: MAX_RENEWALS + 1 }, someBuildId))],
    ["a long text", `kernels/timestamps?ids=${"a".repeat(8000)}`],
  ])("refuses %s", async (_, path) => {
    const answer = await get(path);
    expect([answer.status, errorOf(answer).code]).toEqual([400, "usage"]);
  });
});
