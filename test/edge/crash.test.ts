import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readAudit } from "../../edge/audit/log.ts";
import { r2Store } from "../../edge/cloudflare/r2.ts";
import { sha256Of } from "../../node/crypto.ts";
import { type BuildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import { artifactPath } from "../../shared/feed/paths.ts";
import { startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { inFull } from "../support/edge/proof.ts";
import { reader } from "../support/edge/reader.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

let made: Ceremony;
let state: string;
const id: BuildId = someBuildId();
let version = 0;

beforeAll(async () => {
  made = await ceremony();
  state = await mkdtemp(join(tmpdir(), "rebootless-crash-"));
});
afterAll(() => rm(state, { recursive: true, force: true }));

/** Starts a workerd with the storage of those before. Its writes can be watched, and it can be killed. */
async function start(onWrite: (write: string, kill: () => void) => Promise<void>) {
  const before = new Set(workerds());
  const edge: Workerd = await startWorkerd(secrets(made), {
    state,
    onWrite: (write) => onWrite(write, kill),
  });
  const own = workerds().filter((pid) => !before.has(pid));
  function kill(): void {
    for (const pid of own) process.kill(pid, "SIGKILL");
  }
  return { ...edge, publisher: new TestPublisher(made, edge.send), own };
}

/** Returns the ids of workerd processes that this process started. */
function workerds(): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+) /.exec(stat) ?? [];
      return name === "workerd" && Number(parent) === process.pid;
    } catch {
      return false; // it ended meanwhile
    }
  });
}

const moduleOf = (n: number): Uint8Array => utf8(`module ${n}`);

/** Makes the next version, whose only update has a module of its own. */
async function publishNext(publisher: TestPublisher, next: number): Promise<number> {
  await publisher.stage(moduleOf(next));
  const manifest = manifestBytes(id, [await updateOf(`fix-${next}`, moduleOf(next))]);
  const targets = await signedTargets(made, id, manifest, { version: next });
  return (await publisher.publish({ buildId: id, base: next - 1, targets, manifest })).status;
}

/** Checks that everything that can be read is one whole state, and that its module is there. */
async function expectWhole({ send }: Workerd): Promise<number> {
  const reading = reader(send, made.root, id);
  const [bundle, files] = [await reading.bundle(), await reading.files()];
  expect(files).toEqual(bundle);
  const [update] = bundle.manifest.updates;
  expect(update?.id).toBe(`fix-${bundle.targets}`);
  const sha256 = sha256Of(moduleOf(bundle.targets));
  expect((await send("GET", `/${artifactPath(sha256)}`)).bytes).toEqual(moduleOf(bundle.targets));
  return bundle.targets;
}

/** Checks that the audit log is a chain without a gap, in which every answered request has its outcome. */
async function expectAudit({ miniflare }: Workerd): Promise<readonly Record<string, unknown>[]> {
  const store = r2Store((await miniflare.getR2Bucket("FEED")) as never);
  const lines = fromUtf8((await readAudit(store, 0)).bytes)
    .split("\n")
    .slice(0, -1);
  let previous: Sha256Hex | null = null;
  for (const [i, line] of lines.entries()) {
    expect(JSON.parse(line)).toMatchObject({ number: i + 1, previous });
    previous = sha256Hex(sha256Of(utf8(line)));
  }
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

it("workerd killed between any two writes of a publish leaves the old state or the new one, and takes the next publish", async () => {
  const writes: string[] = [];
  let edge = await start(async (write) => void writes.push(write));
  expect(await publishNext(edge.publisher, 1)).toBe(201);
  writes.length = 0;
  expect(await publishNext(edge.publisher, 2)).toBe(201);
  version = 2;
  const points = [...writes];
  expect(edge.own).toHaveLength(1);
  // The upload, the request in the audit log, the module, the previous feed, the new feed, two staged keys, the outcome.
  expect(points.filter((write) => write.startsWith("before"))).toHaveLength(8);
  await edge.miniflare.dispose();

  const feedAt = points.indexOf(`before feeds/${id}.json`);
  const played = inFull ? points.keys() : [feedAt - 1, feedAt, feedAt + 1];
  let [kept, taken] = [0, 0];
  for (const point of played) {
    let count = 0;
    edge = await start(async (_, kill) => {
      if (count++ < point) return;
      kill();
      await new Promise(() => {}); // never answered
    });
    const answered = await publishNext(edge.publisher, version + 1).catch(() => "cut off");
    expect(answered).toBe("cut off");
    await edge.miniflare.dispose();

    edge = await start(async () => {});
    const now = await expectWhole(edge);
    expect([version, version + 1]).toContain(now);
    if (now === version) kept++;
    else taken++;
    version = now;
    expect(await publishNext(edge.publisher, version + 1)).toBe(201);
    version++;
    expect(await expectWhole(edge)).toBe(version);
    const entries = await expectAudit(edge);
    expect(entries.at(-1)).toMatchObject({ outcome: "published", version });
    await edge.miniflare.dispose();
  }
  expect(kept).toBeGreaterThan(0);
  expect(taken).toBeGreaterThan(0);
}, 900_000);
