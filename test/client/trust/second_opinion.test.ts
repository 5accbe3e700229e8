import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Polled, poll } from "../../../client/trust/poll.ts";
import { requireSecondOpinion } from "../../../client/trust/second_opinion.ts";
import { lastVerified } from "../../../client/trust/stored_feed.ts";
import type { Subject } from "../../../client/trust/subject.ts";
import { trustDir } from "../../../client/trust/trust_dir.ts";
import { chooseVerifiers, type HostVerifiers, hostVerifiers } from "../../../node/verifier.ts";
import { keyFromSeed } from "../../../publisher/keys/key_file.ts";
import { buildId } from "../../../shared/brand.ts";
import { DAY, instant } from "../../../shared/time.ts";
import type { SignatureVerifier } from "../../../shared/tuf/keys.ts";
import type { Verifier } from "../../../shared/tuf/verifier.ts";
import { type Ceremony, ceremony } from "../../support/edge/repository.ts";
import { MemoryFeed, type Publication, signedBundle, signedRoot } from "../../support/memory_feed.ts";

const NOW = instant(Date.UTC(2036, 5, 1));
const ID = buildId("0123456789abcdef0123456789abcdef01234567");
const [OPENSSL, TWEETNACL] = [hostVerifiers().first, hostVerifiers().second as Verifier];

let made: Ceremony;
let work: string;
beforeAll(async () => {
  made = await ceremony(NOW);
  work = await mkdtemp(join(tmpdir(), "rebootless-opinion-"));
});
afterAll(() => rm(work, { recursive: true }));

let feed: MemoryFeed;
let stateDir: string;
beforeEach(async () => {
  feed = new MemoryFeed();
  stateDir = await mkdtemp(join(work, "state-"));
});

const subject = (verifiers: HostVerifiers): Subject => ({
  buildId: ID,
  provisionedRoot: made.root,
  directory: trustDir(stateDir, ID, made.root),
  verifiers,
});
const ask = (verifiers: HostVerifiers): Promise<Polled> =>
  poll({ ...subject(verifiers), feed, clock: () => NOW });
async function serve(options: Partial<Publication> = {}): Promise<void> {
  feed.serve(await signedBundle(made, ID, NOW, options));
}

/** A verifier that is right about all keys but this one. */
const wrongAbout = (key: string, right: Verifier): Verifier => ({
  digests: right.digests,
  verify: async (given, message, signature) =>
    (await right.verify(given, message, signature)) !== (given.public === key),
});

/** Counts the signatures that it verifies. */
function counting(right: Verifier): Verifier & { count: number } {
  const verify: SignatureVerifier = (...args) => {
    counted.count++;
    return right.verify(...args);
  };
  const counted = { digests: right.digests, verify, count: 0 };
  return counted;
}

const roles = ["root", "targets", "snapshot", "timestamp"] as const;
const keyOf = (role: (typeof roles)[number]): string => made.keys[role][0]?.key.public ?? "";

describe("before a module is loaded", () => {
  it("both verify every signature that leads to it", async () => {
    await serve();
    const { verified } = await ask({ first: OPENSSL, second: TWEETNACL });
    const [first, second] = [counting(OPENSSL), counting(TWEETNACL)];
    await requireSecondOpinion(subject({ first, second }), verified);
    expect([first.count, second.count]).toEqual([6, 6]); // two of root, two of targets, snapshot, timestamp
  });

  it.each(roles)(
    "tweetnacl's refusal of a signature of %s that OpenSSL takes refuses the load",
    async (role) => {
      await serve();
      const verifiers = { first: OPENSSL, second: wrongAbout(keyOf(role), TWEETNACL) };
      const { verified } = await ask(verifiers);
      await expect(requireSecondOpinion(subject(verifiers), verified)).rejects.toMatchObject({
        code: "trust",
        message: expect.stringMatching(/^OpenSSL and tweetnacl disagree .*: no module is loaded$/),
        hint: expect.any(String),
      });
    },
  );

  it("OpenSSL's refusal of a signature that tweetnacl takes refuses it too, where others reach the threshold", async () => {
    const [one, two] = made.keys.targets;
    if (!one || !two) throw new Error("targets has two keys");
    const thresholds = { ...made.thresholds, targets: 1 };
    const root = signedRoot({ ...made, thresholds }, 2, instant(NOW + 365 * DAY), made.keys);
    await serve({ roots: [root] });
    const verifiers = { first: wrongAbout(one.key.public, OPENSSL), second: TWEETNACL };
    const { verified } = await ask(verifiers);
    expect(verified.trusted.root.roles.get("targets")?.threshold).toBe(1);
    await expect(requireSecondOpinion(subject(verifiers), verified)).rejects.toMatchObject({
      code: "trust",
      details: { key: one.key.public },
    });
  });

  it("what is stored gets its second opinion too, as after a reboot, whether or not it has expired", async () => {
    await serve({ expires: { timestamp: instant(NOW + DAY) } });
    await ask({ first: OPENSSL, second: TWEETNACL });
    const stored = await lastVerified(subject({ first: OPENSSL, second: TWEETNACL }));
    if (!stored) throw new Error("nothing is stored");
    await requireSecondOpinion(subject({ first: OPENSSL, second: TWEETNACL }), stored);
    const doubting = { first: OPENSSL, second: wrongAbout(keyOf("timestamp"), TWEETNACL) };
    await expect(requireSecondOpinion(subject(doubting), stored)).rejects.toMatchObject({ code: "trust" });
  });

  it("tweetnacl alone is asked once where OpenSSL has no Ed25519", async () => {
    await serve();
    const verifiers = chooseVerifiers(() => {
      throw new Error("unsupported");
    });
    const { verified } = await ask(verifiers);
    expect(verifiers.second).toBeUndefined();
    await requireSecondOpinion(subject(verifiers), verified);
  });
});

describe("a poll", () => {
  it("asks OpenSSL alone", async () => {
    const second = counting(TWEETNACL);
    await serve();
    await ask({ first: OPENSSL, second });
    await ask({ first: OPENSSL, second });
    expect(second.count).toBe(0);
  });

  it("has a new root verified by both: the signatures of the older one on it are not stored", async () => {
    const rotated = {
      ...made.keys,
      root: [await keyFromSeed(new Uint8Array(32).fill(40)), ...made.keys.root],
    };
    await serve({ roots: [signedRoot(made, 2, instant(NOW + 365 * DAY), rotated)], keys: rotated });
    const second = counting(TWEETNACL);
    await ask({ first: OPENSSL, second });
    expect(second.count).toBeGreaterThanOrEqual(4); // the threshold of the old root, and of the new one
    second.count = 0;
    await ask({ first: OPENSSL, second });
    expect(second.count).toBe(0);
  });

  it.each<[string, () => HostVerifiers]>([
    ["tweetnacl refuses", () => ({ first: OPENSSL, second: wrongAbout(keyOf("root"), TWEETNACL) })],
    ["OpenSSL alone refuses", () => ({ first: wrongAbout(keyOf("root"), OPENSSL), second: TWEETNACL })],
  ])("accepts no new root about which they disagree: %s", async (_what, verifiers) => {
    await serve({ roots: [signedRoot(made, 2, instant(NOW + 365 * DAY), made.keys)] });
    await expect(ask(verifiers())).rejects.toMatchObject({ code: "trust" });
    expect(await readdir(stateDir)).toEqual([]);
  });
});
