import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../edge/audit/event.ts";
import { readAudit, StoredAuditLog } from "../../edge/audit/log.ts";
import { withAudit } from "../../edge/audit/with_audit.ts";
import { auditKey } from "../../edge/store/keys.ts";
import { MemoryStore } from "../../edge/store/memory_store.ts";
import { digests, sha256Of } from "../../node/crypto.ts";
import { sha256Hex } from "../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import { encodePublication } from "../../shared/feed/publication.ts";
import { systemClock } from "../../shared/time.ts";
import { type Answer, errorOf, startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  PUBLISHER,
  secrets,
  signedTargets,
  someBuildId,
} from "../support/edge/repository.ts";

const EMPTY = new Uint8Array();
type Line = Readonly<Record<string, unknown>>;
const linesOf = ({ bytes }: { readonly bytes: Uint8Array }): Line[] =>
  fromUtf8(bytes)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

/** Each line has the digest of the one before, and numbers have no gaps. */
async function expectChain({ bytes }: { readonly bytes: Uint8Array }): Promise<void> {
  let previous: string | null = null;
  for (const [i, line] of fromUtf8(bytes).split("\n").slice(0, -1).entries()) {
    expect(JSON.parse(line)).toMatchObject({ number: i + 1, previous });
    previous = sha256Of(utf8(line));
  }
}

const event = (n: number): AuditEvent => ({
  publisher: PUBLISHER,
  token: `token-${n}`,
  request: sha256Hex("a".repeat(64)),
  act: "root",
  kernel: null,
  outcome: { kind: "asked" },
});

describe("the log", () => {
  it("is one chain, whoever writes and however many at once, also after a restart", async () => {
    const store = new MemoryStore();
    const writers = [
      new StoredAuditLog(store, systemClock, digests),
      new StoredAuditLog(store, systemClock, digests),
    ];
    for (let round = 0; round < 3; round++) {
      const entries = Array.from({ length: 20 }, (_, n) => writers[n % 2]?.append([event(20 * round + n)]));
      await Promise.all(entries);
      await new StoredAuditLog(store, systemClock, digests).append([event(1000 + round)]);
    }
    const page = await readAudit(store, 0);
    expect(linesOf(page)).toHaveLength(63);
    expect(new Set(linesOf(page).map(({ token }) => token)).size).toBe(63);
    expect(store.keys().length).toBeLessThan(20);
    await expectChain(page);
  });

  it("is read page after page", async () => {
    const store = new MemoryStore();
    const log = new StoredAuditLog(store, systemClock, digests);
    for (let n = 0; n < 150; n++) await log.append([event(n)]);
    const first = await readAudit(store, 0);
    const second = await readAudit(store, first.next ?? 0);
    const third = await readAudit(store, second.next ?? 0);
    expect([first, second, third].map((page) => linesOf(page).length)).toEqual([64, 64, 22]);
    expect(third.next).toBeUndefined();
    expect((await readAudit(store, 10 ** 11)).bytes).toEqual(EMPTY);
  });

  it("goes on after a write whose outcome nobody knows", async () => {
    const store = new MemoryStore();
    const create = store.create.bind(store);
    const log = new StoredAuditLog(store, systemClock, digests);
    await log.append([event(0)]);
    store.create = async (...args) => {
      await create(...args);
      throw new Error("the connection broke");
    };
    await expect(log.append([event(1)])).rejects.toThrow("broke");
    store.create = create;
    await log.append([event(2)]);
    const page = await readAudit(store, 0);
    expect(linesOf(page).map(({ token }) => token)).toEqual(["token-0", "token-1", "token-2"]);
    await expectChain(page);
  });
});

describe("a publish whose entry cannot be written", () => {
  const { outcome: _, ...request } = event(0);
  const refusing = (from: number) => {
    let count = 0;
    return { append: async () => (++count > from ? Promise.reject(new Error("no store")) : undefined) };
  };
  const done = [{ buildId: null, outcome: { kind: "published", version: 1, etag: null } }] as const;

  it("is not done where it is the first entry", async () => {
    const reports: unknown[] = [];
    let ran = false;
    const work = async () => {
      ran = true;
      return done;
    };
    const deps = { audit: refusing(0), report: (error: unknown) => reports.push(error) };
    await expect(withAudit(deps, request, work)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("audit log"),
    });
    expect([ran, reports]).toEqual([false, [new Error("no store")]]);
  });

  it("stands where it is the second, and somebody is told", async () => {
    const reports: unknown[] = [];
    const deps = { audit: refusing(1), report: (error: unknown) => reports.push(error) };
    expect(await withAudit(deps, request, async () => done)).toBe(done);
    expect(reports).toEqual([new Error("no store")]);
  });
});

describe("the audit log of an edge", () => {
  let made: Ceremony;
  let edge: Workerd;
  let publisher: TestPublisher;
  beforeAll(async () => {
    made = await ceremony();
    edge = await startWorkerd({
      ...secrets(made),
      PUBLISHER_LIMITS: '{"read":{"burst":3,"per_minute":1}}',
    });
    publisher = new TestPublisher(made, edge.send);
  });
  afterAll(() => edge.miniflare.dispose());

  it("says who published what, and what was refused and why, to publishers alone", async () => {
    const id = someBuildId();
    const manifest = manifestBytes(id, []);
    const targets = await signedTargets(made, id, manifest);
    const publication = { buildId: id, base: 0, targets, manifest };
    const published = await publisher.publish(publication);
    await publisher.publish(publication);
    await publisher.publish({
      ...publication,
      base: 1,
      targets: await signedTargets(made, id, manifest, { version: 2, signers: [] }),
    });
    await publisher.publish(publication, someBuildId());
    await publisher.signedRequest("POST", `/kernels/${id}/publish`, utf8("no publication"));
    await publisher.signedRequest("POST", "/root", made.root);

    expect((await edge.send("GET", "/audit")).status).toBe(401);
    const answer = await publisher.signedRequest("GET", "/audit", EMPTY);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    await expectChain(answer);
    const lines = linesOf(answer);
    const request = sha256Of(encodePublication(publication));
    const feed = JSON.parse(fromUtf8(published.bytes)).etag;
    expect(lines[0]).toMatchObject({
      publisher: PUBLISHER,
      act: "publish",
      kernel: id,
      request,
      outcome: "asked",
    });
    expect(lines[1]).toMatchObject({
      token: lines[0]?.["token"],
      request,
      outcome: "published",
      version: 1,
      feed,
    });
    expect(
      lines
        .filter(({ outcome }) => outcome !== "asked")
        .map(({ act, outcome, code }) => [act, outcome, code]),
    ).toEqual([
      ["publish", "published", undefined],
      ["publish", "conflict", undefined],
      ["publish", "refused", "trust"],
      ["publish", "refused", "refused"],
      ["publish", "refused", "parse"],
      ["root", "refused", "rollback"],
    ]);
    const bucket = await edge.miniflare.getR2Bucket("FEED");
    expect(await bucket.head(auditKey(1))).not.toBeNull();
  });

  it("holds a publisher to its limits, says when to come again, and lets nobody else use them up", async () => {
    const knock = () => publisher.signedRequest("GET", "/audit", EMPTY);
    for (let n = 0; n < 5; n++)
      await edge.send("GET", "/audit", { headers: { Authorization: "Bearer a.b.c" } });
    const answers: Answer[] = [];
    for (let n = 0; n < 3; n++) answers.push(await knock());
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    const refused = answers[2] as Answer;
    expect(errorOf(refused).code).toBe("limit");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(30);
    const artifact = utf8("another limit");
    expect((await publisher.stage(artifact)).status).toBe(201);
  });
});

describe("limits on Node", () => {
  it("fill up again as time goes by", async () => {
    let now = systemClock();
    const made = await ceremony(now);
    const edge: InProcess = await inProcess(made, () => now);
    Object.assign(edge.deps.limits, { read: { burst: 2, perMinute: 60 } });
    const knock = async () => (await edge.publisher.signedRequest("GET", "/audit", EMPTY, { now })).status;
    expect([await knock(), await knock(), await knock()]).toEqual([200, 200, 429]);
    now = (now + 1000) as typeof now;
    expect([await knock(), await knock()]).toEqual([200, 429]);
  });
});
