import assert from "node:assert/strict";
import { PUBLICATIONS_PATH } from "../../../shared/feed/batch.ts";
import {
  encodePublication,
  encodeRootChain,
  publishPath,
  ROOT_CHAIN_PATH,
} from "../../../shared/feed/publication.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES } from "../../../shared/limits.ts";
import { manifestBytes, secrets, signedTargets } from "../../support/edge/repository.ts";
import type { Attack } from "./attack.ts";
import { filled, heavyManifest, heavyRoot, PIECES } from "./heavy.ts";
import { KERNEL, type RunningEdge, type Stage } from "./stage.ts";

/** V8's old generation, in MB. */
const HEAP_MB = 96;

type Request = readonly [path: string, body: Uint8Array];

async function heavyRequests(stage: Stage): Promise<readonly Request[]> {
  const publish = `/${publishPath(KERNEL)}`;
  const unknown = (piece: string) => filled('{"format":1,"x":[', piece, "]}", MAX_BUNDLE_BYTES);
  const manifest = heavyManifest(PIECES.get("short texts") ?? "", MAX_MANIFEST_BYTES);
  const targets = await signedTargets(stage.made, KERNEL, manifest);
  const root = heavyRoot(PIECES.get("arrays of one") ?? "", MAX_ROOT_BYTES);
  return [
    ...[...PIECES.values()].slice(0, 6).map((piece): Request => [publish, unknown(piece)]),
    [publish, encodePublication({ buildId: KERNEL, base: 0, targets, manifest })],
    [`/${PUBLICATIONS_PATH}`, unknown("{}")],
    ["/root", root],
    [`/${ROOT_CHAIN_PATH}`, encodeRootChain(Array(16).fill(root))],
  ];
}

/** All at once; then the edge does its work for an honest publisher. */
async function survives(edge: RunningEdge, stage: Stage): Promise<void> {
  const requests = await heavyRequests(stage);
  const answers = await Promise.all(
    requests.map(([path, body]) => edge.publisher.signedRequest("POST", path, body)),
  );
  for (const [i, { status }] of answers.entries()) {
    assert.ok(status >= 400 && status < 500, `${requests[i]?.[0]} was answered ${status}: ${edge.log()}`);
  }
  const manifest = manifestBytes(KERNEL, []);
  const targets = await signedTargets(stage.made, KERNEL, manifest);
  const { status } = await edge.publisher.publish({ buildId: KERNEL, base: 0, targets, manifest });
  assert.equal(status, 201, edge.log());
}

export const heavyPublication: Attack = {
  name: "a publisher sends a self-hosted edge documents of millions of values, ten at once",
  async play(stage: Stage) {
    await survives(await stage.serve(secrets(stage.made), [], { heapMb: HEAP_MB }), stage);
  },
};

export const heavyPublicationToWorkerd: Attack = {
  name: "a publisher sends the Worker documents of millions of values, ten at once",
  async play(stage: Stage) {
    await survives(await stage.workerd(), stage);
  },
};
