import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { poll } from "../../../client/trust/poll.ts";
import { trustDir } from "../../../client/trust/trust_dir.ts";
import type { EvidenceOptions } from "../../../client/verify/chains.ts";
import { verifyThing } from "../../../client/verify/verify.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { hostVerifiers } from "../../../node/verifier.ts";
import { buildId } from "../../../shared/brand.ts";
import { concatBytes, fromHex, utf8 } from "../../../shared/bytes.ts";
import { type Bundle, encodeBundle } from "../../../shared/feed/bundle.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { artifactPath, feedPath } from "../../../shared/feed/paths.ts";
import { encodeFingerprints } from "../../../shared/runpre/file/encode.ts";
import { DAY, instant } from "../../../shared/time.ts";
import { sampleFunctions, sampleHeader } from "../../shared/runpre/file/sample.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  manifestOf,
  updateOf,
} from "../../support/edge/repository.ts";
import { flipBit } from "../../support/hostile_mirror.ts";
import { MemoryFeed, signedBundle } from "../../support/memory_feed.ts";

const NOW = instant(Date.UTC(2036, 5, 1));
const ID = buildId("0123456789abcdef0123456789abcdef01234567");
/** As far as telling what it is goes. */
const MODULE = concatBytes([fromHex("7f454c46020101"), utf8(" a module")]);

const FINGERPRINTS = encodeFingerprints(sampleHeader, sampleFunctions);

let made: Ceremony;
let bundle: Bundle;
let work: string;
let options: EvidenceOptions;

beforeAll(async () => {
  made = await ceremony(NOW);
  const fingerprints = { sha256: sha256Of(FINGERPRINTS), length: FINGERPRINTS.length };
  const manifest = encodeManifest({ ...manifestOf(ID, [await updateOf("fix-1", MODULE)]), fingerprints });
  bundle = await signedBundle(made, ID, NOW, { manifest });
  work = await mkdtemp(join(tmpdir(), "rebootless-verify-"));
});
afterAll(() => rm(work, { recursive: true }));

beforeEach(async () => {
  const stateDir = await mkdtemp(join(work, "state-"));
  const verifiers = hostVerifiers();
  options = {
    provisionedRoot: made.root,
    verifiers,
    stateDir,
    running: ID,
    now: NOW,
    loaded: async () => [],
  };
});

/** This host has polled the feed. */
async function polled(): Promise<void> {
  const feed = new MemoryFeed();
  feed.files.set(feedPath(ID), encodeBundle(bundle));
  const directory = trustDir(options.stateDir, ID, made.root);
  await poll({ ...options, directory, buildId: ID, feed, clock: () => NOW });
}

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(options.stateDir, "given", name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

const refused = { code: "trust" };

describe("a module", () => {
  it("is what this host's manifest signed for", async () => {
    await polled();
    const [finding] = await verifyThing(await file("fix.ko", MODULE), options);
    expect(finding).toMatchObject({ kind: "module", update: { id: "fix-1" } });
    const roles = finding?.evidence.vouchers.map(({ role, threshold, signers, keys }) => [
      role,
      threshold,
      signers.length,
      keys,
    ]);
    expect(roles).toEqual([
      ["root", 2, 2, 2],
      ["targets", 2, 2, 2],
      ["snapshot", 1, 1, 1],
      ["timestamp", 1, 1, 1],
    ]);
  });

  it("is refused with one bit changed", async () => {
    await polled();
    await expect(verifyThing(await file("fix.ko", flipBit(MODULE, 9)), options)).rejects.toMatchObject(
      refused,
    );
  });

  it("is refused by a host that verified nothing, and taken with the feed.json beside it", async () => {
    const path = await file("fix.ko", MODULE);
    await expect(verifyThing(path, options)).rejects.toMatchObject(refused);
    const [finding] = await verifyThing(path, { ...options, bundle: encodeBundle(bundle) });
    expect(finding?.update?.id).toBe("fix-1");
  });

  it("is refused once its metadata has expired", async () => {
    await polled();
    const later = { ...options, now: instant(NOW + 91 * DAY) };
    await expect(verifyThing(await file("fix.ko", MODULE), later)).rejects.toMatchObject({ code: "expired" });
  });
});

describe("a fingerprint file", () => {
  it("is what this host's manifest signed for, whole", async () => {
    await polled();
    const [finding] = await verifyThing(await file("kernel.fp", FINGERPRINTS), options);
    expect(finding).toMatchObject({ kind: "fingerprints" });
    const changed = await file("kernel.fp", flipBit(FINGERPRINTS, 400));
    await expect(verifyThing(changed, options)).rejects.toMatchObject(refused);
  });
});

describe("a manifest and a feed.json", () => {
  it("verify", async () => {
    await polled();
    expect(await verifyThing(await file("m.json", bundle.manifest), options)).toMatchObject([
      { kind: "manifest" },
    ]);
    expect(await verifyThing(await file("feed.json", encodeBundle(bundle)), options)).toMatchObject([
      { kind: "bundle" },
    ]);
  });

  it("are refused when they are others", async () => {
    await polled();
    const other = manifestBytes(ID, []);
    await expect(verifyThing(await file("m.json", other), options)).rejects.toMatchObject(refused);
    const forged = encodeBundle({ ...bundle, manifest: other });
    await expect(verifyThing(await file("feed.json", forged), options)).rejects.toMatchObject(refused);
  });

  it("are refused under another root of trust", async () => {
    const strangers = await signedBundle(
      { ...made, keys: { ...made.keys, targets: made.keys.root } },
      ID,
      NOW,
    );
    await expect(
      verifyThing(await file("feed.json", encodeBundle(strangers)), options),
    ).rejects.toMatchObject(refused);
  });
});

describe("a mirror's folder", () => {
  async function mirror(module: Uint8Array): Promise<string> {
    await file(feedPath(ID), encodeBundle(bundle));
    await file(artifactPath(sha256Of(MODULE)), module);
    await file(artifactPath(sha256Of(FINGERPRINTS)), FINGERPRINTS);
    return join(options.stateDir, "given");
  }

  it("verifies whole", async () => {
    expect(await verifyThing(await mirror(MODULE), options)).toMatchObject([
      { kind: "bundle" },
      { kind: "module" },
      { kind: "fingerprints" },
    ]);
  });

  it("is refused for one damaged file, and for one that is missing", async () => {
    const folder = await mirror(flipBit(MODULE, 8));
    await expect(verifyThing(folder, options)).rejects.toMatchObject(refused);
    await rm(join(folder, artifactPath(sha256Of(MODULE))));
    await expect(verifyThing(folder, options)).rejects.toMatchObject(refused);
    await mirror(MODULE);
    await file(artifactPath(sha256Of(FINGERPRINTS)), flipBit(FINGERPRINTS, 60));
    await expect(verifyThing(folder, options)).rejects.toMatchObject(refused);
  });

  it("is refused for a link and for a pipe in a file's place; what a mirror has beside kernels is passed over", async () => {
    const folder = await mirror(MODULE);
    await file("kernels/index.json", utf8("{}"));
    await expect(verifyThing(folder, options)).resolves.toHaveLength(3);
    const module = join(folder, artifactPath(sha256Of(MODULE)));
    await rename(module, join(folder, "elsewhere"));
    await symlink(join(folder, "elsewhere"), module);
    await expect(verifyThing(folder, options)).rejects.toMatchObject(refused);
    await rm(module);
    execFileSync("mkfifo", [module]);
    await expect(verifyThing(folder, options)).rejects.toMatchObject(refused);
  });

  it("is refused when it is none", async () => {
    await expect(verifyThing(work, options)).rejects.toMatchObject(refused);
  });
});

describe("anything else", () => {
  it("is nothing that a feed signs", async () => {
    await expect(verifyThing(await file("x", utf8("hello")), options)).rejects.toMatchObject(refused);
  });

  it("is no file and no update", async () => {
    await polled();
    await expect(verifyThing("nothing-such", options)).rejects.toMatchObject({ code: "usage" });
  });

  it("is an update that is not in force", async () => {
    await polled();
    await expect(verifyThing("fix-1", options)).rejects.toMatchObject(refused);
  });
});
