import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digests } from "../../../node/crypto.ts";
import { publisherVerifier } from "../../../node/verifier.ts";
import { readKeyFile, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { signWithSecrets } from "../../../publisher/keys/sign.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { verifyManifest } from "../../../shared/feed/binding.ts";
import type { Bundle } from "../../../shared/feed/bundle.ts";
import { bundleSource } from "../../../shared/feed/bundle_source.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { fileMeta, rootDocument, snapshotDocument, timestampDocument } from "../../../shared/tuf/metadata.ts";
import { type MetadataStore, refresh } from "../../../shared/tuf/refresh.ts";
import { decodeRoot, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { manifestOf, signedTargets, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli, mustCli } from "../commands/cli.ts";
import { FEED, openKey, type ServedEdge, serveEdge } from "../commands/served_edge.ts";

/*
 * What docs/recovery.md tells people to do, done with the commands it names, against the real edge's code, while a
 * host that believed the attacker watches.
 */

const FAR = 1000;
let dir: string;
let feed: string;
let served: ServedEdge;
let id: BuildId;
let host: Host;
let provisioned: Uint8Array;
/** How far ahead everybody's clock is, in milliseconds. */
let late = 0;
const clock = () => instant(systemClock() + late);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-recovery-"));
  feed = join(dir, "feed");
  await mustCli(["init", feed, ...FEED]);
  provisioned = new Uint8Array(await readFile(join(feed, "root", "1.root.json")));
  late = 0;
  served = await serveEdge(feed, clock);
  id = someBuildId();
  host = newHost();
  await push("good");
  expect(await poll()).toEqual({ targets: 1, updates: ["good"] });
});

afterEach(async () => {
  await served.close();
  await rm(dir, { recursive: true, force: true });
});

const url = (): readonly string[] => ["--feed", served.url];
const keyPath = (name: string) => join(feed, "keys", `${name}.json`);
const key = async (name: string): Promise<SigningKey> => openKey(await readKeyFile(keyPath(name)));
const keyIdOf = async (name: string) => (await key(name)).id;

/** A host's memory of a feed, and what it polls. */
type Host = MetadataStore & { readonly files: Map<string, Uint8Array> };

function newHost(): Host {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    read: async (role) => files.get(role),
    write: async (role, bytes) => void files.set(role, bytes),
    remove: async (role) => void files.delete(role),
  };
}

async function poll(bundle?: Bundle, root: Uint8Array = provisioned) {
  const seen = bundle ?? (await served.edge().publisher.feed(id));
  const fetchRoot = async (version: number) => {
    const answer = await served.edge().send("GET", `/root/${version}.root.json`);
    return answer.status === 200 ? answer.bytes : undefined;
  };
  const trusted = await refresh({
    source: bundleSource(seen, fetchRoot),
    store: host,
    provisionedRoot: root,
    expiry: enforcedAt(clock()),
    verifier: publisherVerifier,
  });
  const manifest = await verifyManifest(trusted, id, seen.manifest, digests);
  return { targets: trusted.targets?.version, updates: manifest.updates.map((update) => update.id) };
}

async function draftOf(update: string) {
  const module = join(dir, `${update}.ko`);
  const draft = join(dir, `${update}.json`);
  await writeFile(module, update);
  await writeFile(draft, encodeManifest(manifestOf(id, [await updateOf(update, utf8(update))])));
  return { draft, module: ["--module", module] };
}

async function push(update: string, ...more: readonly string[]) {
  const { draft, module } = await draftOf(update);
  return mustCli(["push", feed, draft, ...module, ...url(), ...more]);
}

/** The ceremony: proposed, signed by as many as are named, published. */
async function changeRoot(changes: readonly string[], signers: readonly string[] = ["root-1", "root-2"]) {
  const request = join(dir, `${Math.random()}.request.json`);
  await mustCli(["root", "propose", feed, "-o", request, ...changes]);
  for (const signer of signers) await mustCli(["sign", request, "--key", keyPath(signer), "--yes"]);
  await mustCli(["root", "publish", feed, request, ...url()]);
}

async function replaceKey(role: string, old: string, fresh: string): Promise<readonly string[]> {
  await mustCli(["keys", "new", keyPath(fresh), "--role", role, "--no-passphrase"]);
  const gone = await keyIdOf(old);
  return ["--add-key", `${role}=${keyPath(fresh)}.pub`, "--remove-key", `${role}=${gone}`];
}

/** What the holder of stolen online keys serves: the real targets under a mark far ahead. */
async function fastForwarded(keys: { snapshot: string; timestamp: string }): Promise<Bundle> {
  const bundle = await served.edge().publisher.feed(id);
  const expires = instant(systemClock() + 90 * DAY);
  const targets = await fileMeta(1, bundle.targets, digests);
  const snapshot = signWithSecrets(snapshotDocument({ version: FAR, expires, targets }), [
    await key(keys.snapshot),
  ]);
  const meta = await fileMeta(FAR, snapshot, digests);
  const timestamp = signWithSecrets(timestampDocument({ version: FAR, expires, snapshot: meta }), [
    await key(keys.timestamp),
  ]);
  return { ...bundle, snapshot, timestamp };
}

describe("stolen online keys", () => {
  it("of the timestamp alone: a host that was led ahead comes back when it is rotated", async () => {
    const stolen = await key("timestamp-1");
    const real = await served.edge().publisher.feed(id);
    const meta = await fileMeta(1, real.snapshot, digests);
    const expires = instant(systemClock() + 90 * DAY);
    const ahead = signWithSecrets(timestampDocument({ version: FAR, expires, snapshot: meta }), [stolen]);
    await poll({ ...real, timestamp: ahead });
    await expect(poll()).rejects.toMatchObject({ code: "rollback" });
    await changeRoot(await replaceKey("timestamp", "timestamp-1", "timestamp-2"));
    await served.deploy({ timestamp: "timestamp-2" });
    expect(await poll()).toEqual({ targets: 1, updates: ["good"] });
    await expect(
      poll({ ...real, roots: (await served.edge().publisher.feed(id)).roots, timestamp: ahead }),
    ).rejects.toMatchObject({ code: "trust" });
  });

  it("of snapshot and timestamp: the same, and the feed goes on from its own versions", async () => {
    const attack = await fastForwarded({ snapshot: "snapshot-1", timestamp: "timestamp-1" });
    await poll(attack);
    await expect(poll()).rejects.toMatchObject({ code: "rollback" });
    await changeRoot([
      ...(await replaceKey("timestamp", "timestamp-1", "timestamp-2")),
      ...(await replaceKey("snapshot", "snapshot-1", "snapshot-2")),
    ]);
    await served.deploy({ timestamp: "timestamp-2", snapshot: "snapshot-2" });
    expect(await poll()).toEqual({ targets: 1, updates: ["good"] });
    await push("next");
    expect(await poll()).toEqual({ targets: 2, updates: ["good", "next"] });
    const { roots } = await served.edge().publisher.feed(id);
    await expect(poll({ ...attack, roots })).rejects.toMatchObject({ code: "trust" });
  });

  it("can be rotated without a moment of downtime: first both keys, then the new one alone", async () => {
    const [add, added, ...remove] = await replaceKey("timestamp", "timestamp-1", "timestamp-2");
    await changeRoot([add ?? "", added ?? ""]);
    await push("while-both-are-good");
    await served.deploy({ timestamp: "timestamp-2" });
    await push("with-the-new-key");
    await changeRoot(remove);
    await push("after");
    expect((await poll()).updates).toContain("after");
    await served.deploy();
    await expect(push("with-the-old-key")).rejects.toThrow(/TIMESTAMP_KEY/);
  });
});

describe("stolen targets keys", () => {
  it("below the threshold: signed again without the stolen key first, hosts notice nothing", async () => {
    const stolen = await key("targets-1");
    const change = await replaceKey("targets", "targets-1", "targets-4");
    await rename(keyPath("targets-1"), join(dir, "stolen.json"));
    await push("signed-without-it");
    expect((await poll()).targets).toBe(2);
    await changeRoot(change);
    expect((await poll()).targets).toBe(2);
    const manifest = (await served.edge().publisher.feed(id)).manifest;
    const targets = await signedTargets(served.edge().publisher.made, id, manifest, {
      version: 3,
      signers: [stolen, await key("targets-2")],
    });
    const answer = await served.edge().publisher.publish({ buildId: id, base: 2, targets, manifest });
    expect(answer.status).toBe(422);
  });

  it("at the threshold: what they signed is gone for hosts at once, and replaced by what is good", async () => {
    await push("evil");
    expect((await poll()).updates).toEqual(["good", "evil"]);
    const changes: string[] = [];
    for (const n of [1, 2, 3])
      changes.push(...(await replaceKey("targets", `targets-${n}`, `targets-${n + 3}`)));
    await changeRoot(changes);
    const old = await served.edge().publisher.feed(id);
    const { roots } = await served.edge().publisher.feed(id);
    const newest = new Uint8Array(await readFile(join(feed, "root", "2.root.json")));
    await expect(poll({ ...old, roots: roots.length > 0 ? roots : [newest] })).rejects.toMatchObject({
      code: "trust",
    });

    const { draft, module } = await draftOf("good");
    const built = await cli(["push", feed, draft, ...module, ...url()]);
    expect([built.code, built.stderr]).toEqual([4, expect.stringContaining("push --replace")]);
    await push("good", "--replace");
    expect(await poll()).toEqual({ targets: 3, updates: ["good"] });
  });

  it("at the threshold, and a week passes before anybody publishes: the feed still comes back", async () => {
    for (const name of ["evil-1", "evil-2", "evil-3", "evil-4"]) await push(name);
    const changes: string[] = [];
    for (const n of [1, 2, 3])
      changes.push(...(await replaceKey("targets", `targets-${n}`, `targets-${n + 3}`)));
    await changeRoot(changes);
    late = 8 * DAY;
    const status = await cli(["root", "status", feed, ...url(), "--kernel", id, "--exit-code"], { clock });
    expect([status.code, status.stdout]).toEqual([
      8,
      expect.stringMatching(/WARNING +hosts refuse targets of/),
    ]);
    const { draft, module } = await draftOf("good");
    const built = await cli(["push", feed, draft, ...module, ...url()], { clock });
    expect([built.code, built.stderr]).toEqual([4, expect.stringContaining("push --replace")]);
    await mustCli(["push", feed, draft, ...module, ...url(), "--replace"], { clock });
    expect(await poll()).toEqual({ targets: 6, updates: ["good"] });
  });

  it("at the threshold and the edge's too: versions far ahead are undone by rotating all three", async () => {
    const manifest = encodeManifest(manifestOf(id, [await updateOf("evil", utf8("evil"))]));
    const keys = { targets: [await key("targets-1"), await key("targets-2")] };
    const targets = await signedTargets(served.edge().publisher.made, id, manifest, {
      version: FAR,
      signers: keys.targets,
    });
    const expires = instant(systemClock() + 90 * DAY);
    const snapshot = signWithSecrets(
      snapshotDocument({ version: FAR, expires, targets: await fileMeta(FAR, targets, digests) }),
      [await key("snapshot-1")],
    );
    const timestamp = signWithSecrets(
      timestampDocument({ version: FAR, expires, snapshot: await fileMeta(FAR, snapshot, digests) }),
      [await key("timestamp-1")],
    );
    expect(await poll({ buildId: id, roots: [], timestamp, snapshot, targets, manifest })).toEqual({
      targets: FAR,
      updates: ["evil"],
    });

    const changes: string[] = [];
    for (const n of [1, 2, 3])
      changes.push(...(await replaceKey("targets", `targets-${n}`, `targets-${n + 3}`)));
    changes.push(...(await replaceKey("timestamp", "timestamp-1", "timestamp-2")));
    changes.push(...(await replaceKey("snapshot", "snapshot-1", "snapshot-2")));
    await changeRoot(changes);
    await served.deploy({ timestamp: "timestamp-2", snapshot: "snapshot-2" });
    await push("good", "--replace");
    expect(await poll()).toEqual({ targets: 2, updates: ["good"] });
  });
});

describe("stolen root keys", () => {
  it("below the threshold: after the rotation the stolen key's signature counts no more", async () => {
    await changeRoot(await replaceKey("root", "root-3", "root-4"));
    const newest = new Uint8Array(await readFile(join(feed, "root", "2.root.json")));
    const root = decodeRoot(parseEnvelope(newest, "root").signed);
    const forged = signWithSecrets(rootDocument({ ...root, version: 3 }), [
      await key("root-3"),
      await key("root-1"),
    ]);
    const answer = await served.edge().publisher.signedRequest("POST", "/root", forged);
    expect(answer.status).toBe(422);
    const bundle = await served.edge().publisher.feed(id);
    await expect(poll({ ...bundle, roots: [...bundle.roots, forged] })).rejects.toMatchObject({
      code: "trust",
    });
    expect((await poll(bundle)).targets).toBe(1);
    await changeRoot([], ["root-1", "root-4"]);
    expect((await poll()).targets).toBe(1);
  });

  it("at the threshold: hosts set up anew with another feed's root take nothing of the stolen one", async () => {
    const root = decodeRoot(parseEnvelope(provisioned, "root").signed);
    const thief = await key("token");
    const roles = new Map(root.roles).set("targets", { keyIds: [thief.id], threshold: 1 });
    const keys = new Map(root.keys).set(thief.id, thief.key);
    const stolen = [await key("root-1"), await key("root-2")];
    const forged = signWithSecrets(rootDocument({ ...root, version: 2, roles, keys }), stolen);
    const bundle = await served.edge().publisher.feed(id);
    await expect(poll({ ...bundle, roots: [forged] })).rejects.toMatchObject({ code: "trust" });
    expect(host.files.get("root")).toEqual(forged); // the host believes the thief's root now

    const again = join(dir, "again");
    await mustCli(["init", again, ...FEED]);
    await served.close();
    [feed, provisioned] = [again, new Uint8Array(await readFile(join(again, "root", "1.root.json")))];
    served = await serveEdge(again);
    await push("good");
    host = newHost(); // what removing the host's trust folder and `rebootless init` do
    expect(await poll()).toEqual({ targets: 1, updates: ["good"] });
    const real = await served.edge().publisher.feed(id);
    await expect(poll({ ...real, roots: [forged] })).rejects.toMatchObject({ code: "trust" });
  });
});

describe("a stolen token key", () => {
  it("opens the door to nothing that hosts believe, and after a new deployment opens it no more", async () => {
    const { edge } = served;
    const manifest = encodeManifest(manifestOf(id, []));
    const thief = [await key("token")];
    const targets = await signedTargets(edge().publisher.made, id, manifest, { version: 2, signers: thief });
    const publication = { buildId: id, base: 1, targets, manifest };
    expect((await edge().publisher.publish(publication)).status).toBe(422);

    const old = edge().publisher.made;
    await rename(keyPath("token"), join(dir, "stolen.json"));
    await rm(`${keyPath("token")}.pub`);
    await mustCli(["keys", "new", keyPath("token"), "--role", "token", "--no-passphrase"]);
    await served.deploy();
    const answer = await edge().publisher.signedRequest("PUT", `/staging/${"0".repeat(64)}`, utf8("x"), {
      key: old.door,
    });
    expect(answer.status).toBe(401);
    await push("with-the-new-token");
    expect((await poll()).targets).toBe(2);
  });
});
