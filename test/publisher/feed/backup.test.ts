import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Serving, serveEdge } from "../../../edge/node/serve.ts";
import { backUp } from "../../../mirror/backup.ts";
import { MirrorDir } from "../../../mirror/mirror_dir.ts";
import { Upstream } from "../../../mirror/upstream.ts";
import { verifyMirror } from "../../../mirror/verify_mirror.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { publisherVerifier } from "../../../node/verifier.ts";
import { type EdgeClient, edgeReader } from "../../../publisher/feed/edge_client.ts";
import { edgeFeed } from "../../../publisher/feed/edge_feed.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { verifyManifest } from "../../../shared/feed/binding.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import { bundleSource } from "../../../shared/feed/bundle_source.ts";
import { decodeIndex, INDEX_PATH } from "../../../shared/feed/kernel_index.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { systemClock } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { type MetadataStore, refresh } from "../../../shared/tuf/refresh.ts";
import { decodeTimestamp, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { startWorkerd, type Workerd } from "../../support/edge/edge.ts";
import { manifestOf, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli, jsonOf, mustCli } from "../commands/cli.ts";

/*
 * A feed in workerd over R2 is backed up, lost, and put back into one over a folder, and into workerd again, with the commands
 * that docs/runbook.md names, while a host polls: before, and after.
 */

let dir: string;
let feed: string;
let backup: string;
let bindings: Record<string, string>;
let first: Workerd;
let second: Workerd;
let folder: Serving;
let firstUrl: string;
const ids: readonly BuildId[] = [someBuildId(), someBuildId(), someBuildId()];
const [id] = ids as readonly [BuildId, ...BuildId[]];
const hosts = new Map<BuildId, MetadataStore>();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-backup-"));
  feed = join(dir, "feed");
  backup = join(dir, "backup");
  await mustCli(["init", feed, "--no-passphrase"]);
  const vars = await readFile(join(feed, "edge.vars"), "utf8");
  bindings = Object.fromEntries(
    [...vars.matchAll(/^(\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
  );
  first = await startWorkerd(bindings);
  firstUrl = `${(await first.miniflare.ready).origin}/`;
  for (const one of ids) await push(firstUrl, one, "fix-1");
  await mustCli(["root", "renew", feed, "--feed", firstUrl]);
  await push(firstUrl, id, "fix-2");
});
afterAll(async () => {
  await second?.miniflare.dispose();
  await folder?.close();
  await rm(dir, { recursive: true, force: true });
});

async function push(url: string, one: BuildId, update: string): Promise<void> {
  const module = join(dir, `${update}.ko`);
  const draft = join(dir, "draft.json");
  await writeFile(module, update.repeat(100));
  const made = await updateOf(update, utf8(update.repeat(100)));
  await writeFile(draft, encodeManifest(manifestOf(one, [made])));
  await mustCli(["push", feed, draft, "--module", module, "--feed", url]);
}

/** What the host of a kernel does; throws when it would raise an alarm. */
async function poll(url: string, one: BuildId) {
  const host = hosts.get(one) ?? newHost();
  hosts.set(one, host);
  const bundle = decodeBundle(new Uint8Array(await (await fetch(url + feedPath(one))).arrayBuffer()));
  const trusted = await refresh({
    source: bundleSource(bundle, async () => undefined),
    store: host,
    provisionedRoot: new Uint8Array(await readFile(join(feed, "root/1.root.json"))),
    expiry: enforcedAt(systemClock()),
    verifier: publisherVerifier,
  });
  const { updates } = await verifyManifest(trusted, one, bundle.manifest, publisherVerifier.digests);
  for (const { module } of updates) {
    const bytes = await (await fetch(`${url}artifacts/${module.sha256}`)).arrayBuffer();
    expect(sha256Of(new Uint8Array(bytes))).toBe(module.sha256);
  }
  const timestamp = decodeTimestamp(parseEnvelope(bundle.timestamp, "timestamp").signed).version;
  return {
    root: trusted.root.version,
    targets: trusted.targets?.version,
    updates: updates.length,
    timestamp,
  };
}

function newHost(): MetadataStore {
  const files = new Map<string, Uint8Array>();
  return {
    read: async (role) => files.get(role),
    write: async (role, bytes) => void files.set(role, bytes),
    remove: async (role) => void files.delete(role),
  };
}

const runBackup = async (url = firstUrl) =>
  jsonOf<Record<string, number>>(
    await mustCli(["--json", "backup", backup, "--feed", url, "--root", join(feed, "root/1.root.json")]),
  );
const runRestore = (url: string) => cli(["--json", "restore", feed, backup, "--feed", url]);

describe("a backup", () => {
  it("has all that the feed has, and fetches only what changed", async () => {
    for (const one of ids) await poll(firstUrl, one);
    expect(await runBackup()).toMatchObject({ kernels: 3, changed: 3 });
    expect(await runBackup()).toMatchObject({ kernels: 3, changed: 0, bytes: 0 });
    await push(firstUrl, id, "fix-3");
    expect(await runBackup()).toMatchObject({ kernels: 3, changed: 1 });
    const names = await readdir(backup, { recursive: true });
    expect(names).toContain("root/2.root.json");
    expect(names).toContain(`kernels/${id}/metadata/2.targets.json`);
    expect(names.filter((name) => name.startsWith("artifacts/"))).toHaveLength(3);
    expect(names.filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  it("leaves a list of its kernels, for mirrors of it, and makes it anew where it was lost", async () => {
    const path = join(backup, INDEX_PATH);
    const bytes = new Uint8Array(await readFile(path));
    const index = decodeIndex(bytes);
    expect([...index.keys()]).toEqual([...ids].sort());
    for (const [one, { sha256, release, version }] of index) {
      const feedJson = new Uint8Array(await readFile(join(backup, feedPath(one))));
      expect(sha256).toBe(sha256Of(feedJson));
      expect([release, version]).toEqual(["6.1.0-test", one === id ? 3 : 1]);
    }
    await rm(path);
    await runBackup();
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
  });

  it("fetches an artifact that was lost or cut off here", async () => {
    const [name = ""] = await readdir(join(backup, "artifacts"));
    await writeFile(join(backup, "artifacts", name), "cut");
    expect((await runBackup())["bytes"]).toBe(500);
    expect(sha256Of(new Uint8Array(await readFile(join(backup, "artifacts", name))))).toBe(name);
  });
});

describe("a backup's folder that an earlier program made", () => {
  it("is taken over, and is a mirror that verifies", async () => {
    await rm(join(backup, "mirror"), { recursive: true });
    for (const one of ids) {
      const metadata = join(backup, `kernels/${one}/metadata`);
      for (const name of await readdir(metadata))
        if (!name.endsWith(".targets.json")) await rm(join(metadata, name));
    }
    expect(await runBackup()).toMatchObject({ kernels: 3, changed: 0 });
    const { faults, kernels } = await verifyMirror(new MirrorDir(backup), systemClock(), () => undefined);
    expect({ faults, kernels }).toEqual({ faults: [], kernels: 3 });
  });

  it("accepts a newer root of the same feed", async () => {
    await mustCli(["backup", backup, "--feed", firstUrl, "--root", join(feed, "root/2.root.json")]);
    expect(await readFile(join(backup, "mirror/root.json"))).toEqual(
      await readFile(join(feed, "root/1.root.json")),
    );
  });
});

describe("a feed whose list never ends", () => {
  it("is backed up as far as it was listed, which is said to be a failure", async () => {
    const reader = edgeReader(firstUrl);
    let page = 0;
    const get: EdgeClient["get"] = async (path, max, etag) => {
      if (!path.startsWith("kernels/changes")) return reader.get(path, max, etag);
      const answer = await reader.get("kernels/changes", max);
      const more = { ...JSON.parse(fromUtf8(answer.body)), next: `c${page++ % 9}`, more: true };
      return { ...answer, body: utf8(JSON.stringify(more)) };
    };
    const [endless, root] = [join(dir, "endless"), await readFile(join(feed, "root/1.root.json"))];
    const upstream = new Upstream(edgeFeed(firstUrl, { get }));
    const backingUp = backUp({ dir: new MirrorDir(endless), upstream, root, progress: () => undefined });
    await expect(backingUp).rejects.toMatchObject({ code: "no_list" });
    expect(await readdir(join(endless, "kernels"))).toEqual([...ids, "index.json"].sort());
  });
});

describe("a backup's folder that somebody else wrote to", () => {
  it("is neither read nor written through a link, and no pipe in it is waited for", async () => {
    const [outside, artifacts] = [join(dir, "outside"), join(backup, "artifacts")];
    await mkdir(outside);
    const [name = ""] = await readdir(artifacts);
    const bytes = await readFile(join(artifacts, name));
    await writeFile(join(outside, name), bytes);
    await rm(join(artifacts, name));
    await symlink(join(outside, name), join(artifacts, name));
    expect((await runBackup())["bytes"]).toBe(500);
    expect((await lstat(join(artifacts, name))).isFile()).toBe(true);
    const feedJson = join(backup, feedPath(ids[1] ?? id));
    await rm(feedJson);
    execFileSync("mkfifo", [feedJson]);
    expect(await runBackup()).toMatchObject({ changed: 1 });
    await rename(artifacts, join(dir, "moved"));
    await symlink(outside, artifacts);
    expect(
      (await cli(["backup", backup, "--feed", firstUrl, "--root", join(feed, "root/1.root.json")])).code,
    ).toBe(4);
    expect(await readdir(outside)).toEqual([name]);
    await rm(artifacts);
    await rename(join(dir, "moved"), artifacts);
  });
});

describe("a feed that was lost", () => {
  it("comes back in a folder: it verifies, and hosts that knew it see nothing go back", async () => {
    // What the feed did after its last backup is lost, but hosts have seen it.
    for (let round = 0; round < 2; round++) await mustCli(["root", "renew", feed, "--feed", firstUrl]);
    const seen = await poll(firstUrl, id);
    expect(seen).toMatchObject({ root: 4, targets: 3, updates: 3 });
    await first.miniflare.dispose();

    const served = await serveEdge({
      data: join(dir, "data"),
      host: "127.0.0.1",
      port: 0,
      bindings,
      report: () => {},
    });
    if (served.kind === "failed") throw new Error(served.message);
    folder = served.serving;
    const url = `http://127.0.0.1:${folder.port}/`;
    expect(jsonOf(await runRestore(url))).toMatchObject({ kernels: 3, restored: 3, kept: 0 });
    // The roots that the backup lacks lie in the publisher's folder.
    for (const version of [3, 4]) {
      await writeFile(
        join(backup, `root/${version}.root.json`),
        await readFile(join(feed, `root/${version}.root.json`)),
      );
    }
    expect(jsonOf(await runRestore(url))).toMatchObject({ restored: 0, kept: 3 });
    const restored = await poll(url, id);
    expect(restored).toMatchObject({ root: 4, targets: 3, updates: 3 });
    expect(restored.timestamp).toBeGreaterThan(seen.timestamp);
    for (const one of ids) await poll(url, one);
    await push(url, id, "fix-4");
    expect(await poll(url, id)).toMatchObject({ targets: 4, updates: 4 });
    expect(await runBackup(url)).toMatchObject({ kernels: 3 });
  });

  it("is never replaced by something older, and comes back in workerd too", async () => {
    second = await startWorkerd(bindings);
    const url = `${(await second.miniflare.ready).origin}/`;
    expect(jsonOf(await runRestore(url))).toMatchObject({ restored: 3, kept: 0 });
    for (const one of ids) await poll(url, one);
    await push(url, id, "fix-5");
    expect(jsonOf(await runRestore(url))).toMatchObject({ restored: 0, kept: 3 });
    expect(await poll(url, id)).toMatchObject({ root: 4, targets: 5, updates: 5 });
  });

  it("is not made of a backup that somebody changed", async () => {
    const path = join(backup, feedPath(ids[1] ?? id));
    const bytes = await readFile(path, "utf8");
    await writeFile(path, bytes.replace("Fixes what fix-1", "Fixes what fix-9"));
    const url = `${(await second.miniflare.ready).origin}/`;
    const done = await runRestore(url);
    expect(done.code).toBe(4);
    expect(jsonOf(done)).toMatchObject({ kernels: 3, failed: [{ build_id: ids[1], code: "trust" }] });
  });
});
