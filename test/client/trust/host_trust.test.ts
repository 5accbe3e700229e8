import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Polled, type PollOptions, poll } from "../../../client/trust/poll.ts";
import { lastVerified } from "../../../client/trust/stored_feed.ts";
import { trustDir } from "../../../client/trust/trust_dir.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { hostVerifiers } from "../../../node/verifier.ts";
import { keyFromSeed } from "../../../publisher/keys/key_file.ts";
import { type BuildId, buildId } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { encodeBundle } from "../../../shared/feed/bundle.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { DAY, HOUR, type Instant, instant } from "../../../shared/time.ts";
import { type Ceremony, ceremony } from "../../support/edge/repository.ts";
import {
  atVersion,
  MemoryFeed,
  type Publication,
  signedBundle,
  signedRoot,
} from "../../support/memory_feed.ts";

/** Later than the times of the files that these tests write: a host's clock does not go back. */
const NOW = instant(Date.UTC(2036, 5, 1));
const A = buildId("aa".repeat(20));
const B = buildId("bb".repeat(20));

let made: Ceremony;
/** All keys but root's, after those of before were stolen. */
let replaced: Ceremony["keys"];
let work: string;
let stateDir: string;
let feed: MemoryFeed;
beforeAll(async () => {
  made = await ceremony(NOW);
  const key = (n: number) => keyFromSeed(new Uint8Array(32).fill(n));
  const targets = [await key(31), await key(32)];
  replaced = { root: made.keys.root, targets, snapshot: [await key(33)], timestamp: [await key(34)] };
  work = await mkdtemp(join(tmpdir(), "rebootless-host-trust-"));
});
afterAll(() => rm(work, { recursive: true }));
beforeEach(async () => {
  stateDir = await mkdtemp(join(work, "state-"));
  feed = new MemoryFeed();
});

const subjectOf = (id: BuildId) => ({
  buildId: id,
  provisionedRoot: made.root,
  directory: trustDir(stateDir, id, made.root),
  verifiers: hostVerifiers(),
});

const ask = (id: BuildId, now: Instant = NOW, options: Partial<PollOptions> = {}): Promise<Polled> =>
  poll({ ...subjectOf(id), feed, clock: () => now, ...options });

async function serve(id: BuildId, options: Partial<Publication> = {}): Promise<void> {
  feed.serve(await signedBundle(made, id, NOW, options));
}

const afterTheft = (version = 2) => ({
  keys: replaced,
  roots: [signedRoot(made, 2, instant(NOW + 365 * DAY), replaced)],
  versions: atVersion(version),
});

const failure = (code: string) => expect.objectContaining({ code });

describe("a host that boots another kernel", () => {
  it("still refuses the keys that a root rotation revoked", async () => {
    await serve(A, afterTheft());
    await ask(A);
    await serve(B);
    await expect(ask(B)).rejects.toThrow(failure("trust"));
  });

  it("takes what the keys in force sign for it, without fetching a root again", async () => {
    await serve(A, afterTheft());
    await ask(A);
    await serve(B, { ...afterTheft(), roots: [] });
    expect((await ask(B)).changed).toBe(true);
  });

  it("applies nothing at boot that only revoked keys vouch for", async () => {
    await serve(B);
    await ask(B);
    expect(await lastVerified(subjectOf(B))).toBeDefined();
    await serve(A, afterTheft());
    await ask(A);
    expect(await lastVerified(subjectOf(B))).toBeUndefined();
  });

  it("finds back when the feed has signed anew for the kernel of before", async () => {
    await serve(B);
    await ask(B);
    await serve(A, afterTheft());
    await ask(A);
    await serve(B, afterTheft());
    expect((await ask(B)).version).toBe(2);
    expect(await lastVerified(subjectOf(B))).toBeDefined();
  });

  it("knows how late it was when something last verified, for whichever kernel", async () => {
    await serve(A);
    await ask(A);
    await serve(B);
    await expect(ask(B, instant(NOW - 2 * DAY))).rejects.toThrow(failure("clock"));
  });
});

describe("the clock guard", () => {
  /** The same feed from a server that gives no tags. */
  const untagged = (): PollOptions["feed"] => ({
    ...feed,
    async get(path, limits) {
      const fetched = await MemoryFeed.prototype.get.call(feed, path, limits);
      return fetched.status === "ok" ? { ...fetched, etag: undefined } : fetched;
    },
  });

  it("holds where the feed gives no ETag", async () => {
    await serve(A);
    await ask(A, NOW, { feed: untagged() });
    const back = ask(A, instant(NOW - 25 * DAY), { feed: untagged() });
    await expect(back).rejects.toThrow(failure("clock"));
  });

  it("moves on with polls that bring nothing new", async () => {
    await serve(A);
    await ask(A);
    for (let day = 1; day <= 5; day++) expect((await ask(A, instant(NOW + day * DAY))).changed).toBe(false);
    await expect(ask(A, instant(NOW + 3 * DAY))).rejects.toThrow(failure("clock"));
  });

  it("is not written at every poll", async () => {
    await serve(A);
    await ask(A);
    const file = join(stateDir, "trust/latest_time");
    const before = await readFile(file, "utf8");
    await ask(A, instant(NOW + 5 * HOUR));
    expect(await readFile(file, "utf8")).toBe(before);
    await ask(A, instant(NOW + 7 * HOUR));
    expect(await readFile(file, "utf8")).toBe("2036-06-01T07:00:00Z\n");
  });

  it("lets go of a time that was ahead once its file is removed, as the hint says", async () => {
    await serve(A);
    await ask(A, instant(NOW + 20 * DAY));
    const refused = await ask(A).catch((error: unknown) => error);
    expect(refused).toEqual(failure("clock"));
    const [, file = ""] = /`rm (.*)`/.exec((refused as RebootlessError).hint ?? "") ?? [];
    await rm(file);
    await ask(A);
  });
});

describe("a feed that is kept from a host", () => {
  const LATE = instant(NOW + 8 * DAY);
  const WEEK = { timestamp: instant(NOW + 7 * DAY) };
  const silent: PollOptions["feed"] = {
    url: "https://feed.test/",
    traffic: { requests: 0, bytes: 0 },
    get: async () => {
      throw new RebootlessError("unreachable", "https://feed.test/ did not answer");
    },
  };

  it("that answers 404 for ever is expired once what it signed last has", async () => {
    await serve(A, { expires: WEEK });
    await ask(A);
    feed.files.clear();
    await expect(ask(A, instant(NOW + 6 * DAY))).rejects.toThrow(failure("not_covered"));
    await expect(ask(A, LATE)).rejects.toThrow(failure("expired"));
  });

  it("that never answers is expired once what it signed last has", async () => {
    await serve(A, { expires: WEEK });
    await ask(A);
    await expect(ask(A, instant(NOW + 6 * DAY), { feed: silent })).rejects.toThrow(failure("unreachable"));
    await expect(ask(A, LATE, { feed: silent })).rejects.toThrow(failure("expired"));
  });

  it("is only not covered, or out of reach, for a kernel that it never covered", async () => {
    await expect(ask(A, LATE)).rejects.toThrow(failure("not_covered"));
    await expect(ask(A, LATE, { feed: silent })).rejects.toThrow(failure("unreachable"));
  });

  it("is not expired for as long as the administrator accepts what is stale", async () => {
    await serve(A, { expires: WEEK });
    await ask(A);
    const options = { feed: silent, acceptStaleMs: 3 * DAY };
    await expect(ask(A, LATE, options)).rejects.toThrow(failure("unreachable"));
  });
});

describe("what a feed sends", () => {
  const TURNED: readonly (readonly [string, Uint8Array])[] = [
    ["is no JSON", Buffer.from("<html>")],
    [
      "is a bundle of garbage",
      encodeBundle({
        buildId: A,
        roots: [],
        timestamp: Buffer.from("{"),
        snapshot: Buffer.from("{"),
        targets: Buffer.from("{"),
        manifest: Buffer.from("{"),
      }),
    ],
  ];
  it.each(TURNED)("%s is refused before the state lock is taken", async (_, bytes) => {
    feed.files.set(feedPath(A), bytes);
    let locked = false;
    const exclusive = async () => {
      locked = true;
    };
    await expect(ask(A, NOW, { exclusive })).rejects.toThrow(failure("trust"));
    expect(locked).toBe(false);
  });

  it("is judged once more where another run changed what is kept before the lock was had", async () => {
    await serve(A, { versions: atVersion(2) });
    await ask(A);
    await serve(A, { versions: atVersion(3) });
    const older = feed.files.get(feedPath(A)) ?? new Uint8Array();
    const exclusive = async () => {
      await serve(A, { versions: atVersion(5) });
      await ask(A);
    };
    const options = {
      exclusive,
      feed: { ...feed, get: async () => ({ status: "ok", bytes: older, etag: undefined }) as const },
    };
    await expect(ask(A, NOW, options)).rejects.toThrow(failure("rollback"));
  });
});

describe("a state folder of version 0.1.0", () => {
  /** Puts what is the host's where that version had it: in the kernel's folder. */
  async function asBefore(id: BuildId): Promise<void> {
    await rename(join(stateDir, "trust/root.json"), join(stateDir, id, "trust/root.json"));
    await writeFile(join(stateDir, id, "provisioned.sha256"), `${sha256Of(made.root)}\n`);
    await utimes(join(stateDir, id, "feed.etag"), NOW / 1000, NOW / 1000);
    await rm(join(stateDir, "trust"), { recursive: true });
  }

  const names = async () => (await readdir(stateDir, { recursive: true })).sort();

  beforeEach(async () => {
    await serve(A, afterTheft());
    await ask(A);
    await asBefore(A);
  });

  it("keeps its newest root, also for a kernel that was never booted before", async () => {
    await serve(B);
    await expect(ask(B)).rejects.toThrow(failure("trust"));
    expect(await lastVerified(subjectOf(A))).toBeDefined();
  });

  it("keeps the latest time, and the way out of a wrong one", async () => {
    const refused = await ask(A, instant(NOW - 3 * DAY)).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: "clock",
      hint: expect.stringContaining(join(stateDir, A, "feed.etag")),
    });
  });

  it("is brought into the new form by the first poll that verifies something", async () => {
    await serve(B, { ...afterTheft(), roots: [] });
    await ask(B);
    const found = await names();
    expect(found).toEqual(
      expect.arrayContaining(["trust/latest_time", "trust/provisioned.sha256", "trust/root.json"]),
    );
    expect(found).not.toContain(`${A}/trust/root.json`);
    expect(found).not.toContain(`${A}/provisioned.sha256`);
    expect((await ask(A)).changed).toBe(false);
  });

  it("loses nothing to a damaged root of one kernel where another kernel's is whole", async () => {
    await mkdir(join(stateDir, B, "trust"), { recursive: true });
    await writeFile(join(stateDir, B, "trust/root.json"), "{");
    await writeFile(join(stateDir, B, "provisioned.sha256"), sha256Of(made.root));
    await serve(B);
    await expect(ask(B)).rejects.toThrow(failure("trust"));
  });

  it("takes no root that was verified under another provisioned one", async () => {
    await writeFile(join(stateDir, A, "provisioned.sha256"), "0".repeat(64));
    await serve(B);
    expect((await ask(B)).changed).toBe(true);
    expect(await names()).not.toContain(`${A}/manifest.json`);
  });
});
