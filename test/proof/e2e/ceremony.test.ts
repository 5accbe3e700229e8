import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publisherVerifier } from "../../../node/verifier.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { verifyManifest } from "../../../shared/feed/binding.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import { bundleSource } from "../../../shared/feed/bundle_source.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { systemClock } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { refresh } from "../../../shared/tuf/refresh.ts";
import { emptyStore } from "../../../shared/tuf/staged_store.ts";
import { mustPublish, publish } from "../../support/commands.ts";
import { manifestOf, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { type EdgeProcess, startEdge } from "../../support/edge_process.ts";

/*
 * A ceremony as people hold it: three machines that share nothing but the files they hand each other, encrypted
 * keys, and a feed. Folders stand for machines; the commands are the bundle's.
 */

const PEOPLE = ["alice", "bob", "carol"] as const;
type Person = (typeof PEOPLE)[number];

let world: string;
let edge: EdgeProcess;
let id: BuildId;

/** The machine where proposals are made and published from; it holds no offline key. */
const hub = () => join(world, "hub");
const at = (person: Person, name: string) => join(world, person, name);
const unlock = (person: Person) => ["--passphrase-file", at(person, "passphrase")];
const hubUnlock = () => ["--passphrase-file", join(world, "hub-passphrase")];
const inHub = (name: string) => join(hub(), name);

beforeAll(async () => {
  world = await mkdtemp(join(tmpdir(), "rebootless-ceremony-"));
  id = someBuildId();
  await writeFile(join(world, "hub-passphrase"), "what the hub remembers\n", { mode: 0o600 });
  for (const person of PEOPLE) {
    await mkdir(join(world, person));
    await writeFile(at(person, "passphrase"), `what only ${person} knows\n`, { mode: 0o600 });
  }
});

afterAll(async () => {
  await edge?.stop();
  await rm(world, { recursive: true, force: true });
});

/** Carries the file to a signer's machine, has it signed there, and carries it back. */
async function carryAndSign(file: string, person: Person, key: string): Promise<string> {
  const there = at(person, "request.json");
  await cp(file, there);
  const said = await mustPublish("sign", there, "--key", at(person, key), ...unlock(person), "--yes");
  await cp(there, file);
  return said;
}

/** Everybody is handed the root that is in force, and keeps it beside their keys. */
async function handOut(version: number): Promise<void> {
  const name = `${version}.root.json`;
  for (const person of PEOPLE) await cp(inHub(join("root", name)), at(person, name));
}

async function poll() {
  const bytes = new Uint8Array(await (await fetch(`${edge.url}${feedPath(id)}`)).arrayBuffer());
  const bundle = decodeBundle(bytes);
  const trusted = await refresh({
    source: bundleSource(bundle, async () => undefined),
    store: emptyStore,
    provisionedRoot: new Uint8Array(await readFile(inHub("root/1.root.json"))),
    expiry: enforcedAt(systemClock()),
    verifier: publisherVerifier,
  });
  const { updates } = await verifyManifest(trusted, id, bundle.manifest, publisherVerifier.digests);
  return { root: trusted.root.version, updates: updates.map((update) => update.id) };
}

test("everybody makes keys at home, and the first root is signed by two of three", async () => {
  for (const person of PEOPLE) {
    for (const role of ["root", "targets"])
      await mustPublish("keys", "new", at(person, `${role}.key`), "--role", role, ...unlock(person));
  }
  await mustPublish("init", hub(), "--without-root", ...hubUnlock());
  const keys = (role: string) =>
    PEOPLE.flatMap((person) => ["--add-key", `${role}=${at(person, role)}.key.pub`]);
  const request = join(world, "1.request.json");
  const proposed = await mustPublish(
    ...["root", "propose", hub(), "-o", request, "--expires", "in 1 year"],
    ...[...keys("root"), ...keys("targets"), "--threshold", "root=2", "--threshold", "targets=2"],
    ...["--add-key", `snapshot=${inHub("keys/snapshot-1.json.pub")}`],
    ...["--add-key", `timestamp=${inHub("keys/timestamp-1.json.pub")}`],
  );
  expect(proposed).toContain("version 1, the first");
  expect(await carryAndSign(request, "alice", "root.key")).toContain("1 of 2 needed");
  const early = await publish("root", "publish", hub(), request, ...hubUnlock());
  expect([early.code, early.stderr]).toEqual([2, expect.stringContaining("only 1 of 2 signatures")]);
  expect(await carryAndSign(request, "bob", "root.key")).toContain("complete");
  await mustPublish("root", "publish", hub(), request, ...hubUnlock());
  await handOut(1);
  edge = await startEdge(inHub("edge.vars"));
}, 120_000);

test("an update is signed away from the feed by two of three", async () => {
  const draft = join(world, "draft.json");
  const module = join(world, "fix.ko");
  await writeFile(module, "module");
  await writeFile(draft, encodeManifest(manifestOf(id, [await updateOf("fix", utf8("module"))])));
  const request = join(world, "targets.request.json");
  await mustPublish("push", hub(), draft, "--request", request, "--feed", edge.url);
  expect(await carryAndSign(request, "alice", "targets.key")).toContain("+ update fix");
  expect(await carryAndSign(request, "bob", "targets.key")).toContain("complete");
  await mustPublish(
    ...["push", hub(), "--signed", request, "--module", module, "--feed", edge.url],
    ...hubUnlock(),
  );
  expect(await poll()).toEqual({ root: 1, updates: ["fix"] });
}, 60_000);

test("carol's keys are replaced by dave's, signed by the two others", async () => {
  const request = join(world, "2.request.json");
  const fresh = ["root", "targets"] as const;
  for (const role of fresh)
    await mustPublish("keys", "new", at("carol", `dave-${role}.key`), "--role", role, ...unlock("carol"));
  const changes: string[] = [];
  for (const role of fresh) {
    const shown = await mustPublish("--json", "keys", "show", at("carol", `${role}.key`));
    const { id: gone } = JSON.parse(shown) as { id: string };
    changes.push("--remove-key", `${role}=${gone.slice(0, 16)}`);
    changes.push("--add-key", `${role}=${at("carol", `dave-${role}.key.pub`)}`);
  }
  await mustPublish("root", "propose", hub(), "-o", request, "--expires", "in 90 days", ...changes);
  const shown = await carryAndSign(request, "alice", "root.key");
  expect(shown).toMatch(/version 1 -> 2[\s\S]*in 90 days[\s\S]*\+ key[\s\S]*- key/);
  expect(shown).toMatch(/WARNING +hosts will refuse targets without enough signatures by the keys that stay/);
  expect(await carryAndSign(request, "carol", "dave-root.key")).toContain("in force: 1 of 2 needed");
  const half = await publish("root", "publish", hub(), request, "--feed", edge.url, ...hubUnlock());
  expect(half.stderr).toContain("only 1 of 2 signatures for root version 1");
  await carryAndSign(request, "bob", "root.key");
  await mustPublish("root", "publish", hub(), request, "--feed", edge.url, ...hubUnlock());
  await handOut(2);
  expect(await poll()).toEqual({ root: 2, updates: ["fix"] });
  const status = await mustPublish("root", "status", hub(), "--feed", edge.url, "--within", "100");
  expect(status).toMatch(/WARNING +root expires: .*in 90 days/);
}, 60_000);

test("what carol signs now counts no more; what dave signs does, on top of the newest root", async () => {
  const draft = join(world, "draft.json");
  const request = join(world, "again.request.json");
  await mustPublish("push", hub(), draft, "--request", request, "--feed", edge.url);
  const revoked = await publish(
    ...["sign", request, "--key", at("carol", "targets.key"), ...unlock("carol"), "--yes"],
  );
  expect([revoked.code, revoked.stderr]).toEqual([2, expect.stringContaining("would not count here")]);
  await carryAndSign(request, "carol", "dave-targets.key");
  await carryAndSign(request, "alice", "targets.key");
  await mustPublish("push", hub(), "--signed", request, "--feed", edge.url, ...hubUnlock());
  expect(await poll()).toEqual({ root: 2, updates: ["fix"] });
}, 60_000);
