import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { sha256Of } from "../../../node/crypto.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { MAX_MANIFEST_BYTES } from "../../../shared/limits.ts";
import { inParallel } from "../../../shared/parallel.ts";
import { locatorLength } from "../../../shared/runpre/locator.ts";
import { manifestOf, signedTargets, updateOf } from "../../support/edge/repository.ts";
import type { Attack } from "./attack.ts";
import { KERNEL, type RunningEdge, type Stage } from "./stage.ts";

const MODULE = new Uint8Array([1, 2, 3]);
const FUNCTION_BYTES = 64 * 1024;
/** Each has some 2,884 bytes of JSON, so that the feed.json is larger than any that is decoded for pages. */
const FUNCTIONS = Math.floor(MAX_MANIFEST_BYTES / 2_886);
const ASKED = 120;
const AT_ONCE = 40;
/** Who ask for the manifest itself, and leave the answer lying. */
const SLOW = 40;
const MAX_MS = 15_000;
/** One file of the largest in memory, as bytes and as text, and what comes and goes of small ones. */
const MAX_MB = 150;

/** A manifest as large as one may be; returns its path as a target. */
async function publishHeavy(edge: RunningEdge, { made }: Stage): Promise<string> {
  const update = await updateOf("fix-1", MODULE);
  const [object] = update.objects;
  const [one] = object?.functions ?? [];
  assert.ok(object && one);
  const locator = new Uint8Array(locatorLength(FUNCTION_BYTES));
  const functions = Array.from({ length: FUNCTIONS }, (_, n) => ({
    ...one,
    name: `function_${n}`,
    size: FUNCTION_BYTES,
    locator,
  }));
  const manifest = encodeManifest(manifestOf(KERNEL, [{ ...update, objects: [{ ...object, functions }] }]));
  assert.ok(manifest.length > 0.9 * MAX_MANIFEST_BYTES && manifest.length <= MAX_MANIFEST_BYTES);
  await edge.publisher.stage(MODULE);
  const targets = await signedTargets(made, KERNEL, manifest);
  const answer = await edge.publisher.publish({ buildId: KERNEL, base: 0, targets, manifest });
  assert.equal(answer.status, 201);
  return `targets/kernels/${sha256Of(manifest)}.${KERNEL}.json`;
}

/** MB of a line of /proc/PID/status. */
async function memoryOf(pid: number, name: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
}

/** Asks for the whole manifest, and reads nothing of the answer. */
async function askAndLeaveIt(url: URL): Promise<IncomingMessage> {
  const [response] = (await once(get(url), "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  return response.pause();
}

async function askAgainAndAgain(edge: RunningEdge, manifest: string): Promise<void> {
  const kernel = `/kernels/${KERNEL}`;
  const asked = [
    [kernel, "text/html", 200],
    [kernel, "application/json", 200],
    [`${kernel}/openvex.json`, "*/*", 404],
    [`${kernel}/metadata/timestamp.json`, "*/*", 200],
    [`${kernel}/metadata/1.targets.json`, "*/*", 200],
    [`/kernels/timestamps?ids=${KERNEL}`, "*/*", 200],
  ] as const;
  const whole = new URL(`${kernel}/${manifest}`, edge.url);
  const slow = await Promise.all(Array.from({ length: SLOW }, () => askAndLeaveIt(whole)));
  const began = performance.now();
  await inParallel(Array.from({ length: ASKED }), AT_ONCE, async (_, i) => {
    const [path, accept, status] = asked[i % asked.length] ?? asked[0];
    const answer = await edge.send("GET", path, { headers: { Accept: accept } });
    assert.equal(answer.status, status, path);
    assert.ok(answer.bytes.length < 64 * 1024, `${path} has ${answer.bytes.length} bytes`);
  });
  const ms = performance.now() - began;
  for (const response of slow) response.destroy();
  assert.ok(ms < MAX_MS, `${ASKED} pages took ${ms} ms`);
}

/** Anybody may ask for the page of a kernel whose manifest is as large as one may be, and for all that hangs on it. */
export const heavyPages: Attack = {
  name: "somebody asks again and again for the pages of the kernel with the largest manifest",
  async play(stage) {
    const edge = await stage.serve();
    const { pid } = edge;
    assert.ok(pid !== undefined);
    const manifest = await publishHeavy(edge, stage);
    await writeFile(`/proc/${pid}/clear_refs`, "5"); // the peak begins anew
    const before = await memoryOf(pid, "VmRSS");
    await askAgainAndAgain(edge, manifest);
    const grown = (await memoryOf(pid, "VmHWM")) - before;
    assert.ok(grown < MAX_MB, `it took ${grown.toFixed(0)} MB more than before`);
  },
};
