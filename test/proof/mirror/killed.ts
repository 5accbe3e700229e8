import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MirrorDir } from "../../../mirror/mirror_dir.ts";
import { MirrorTrust } from "../../../mirror/mirror_trust.ts";
import { verifyMirrored } from "../../../mirror/verified_kernel.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { folderFeed } from "../../../node/transport/folder_feed.ts";
import { withTufFiles } from "../../../node/transport/tuf_folder.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { artifactsIn } from "../../../shared/feed/artifacts.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import { artifactPath, feedPath } from "../../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../../shared/limits.ts";
import { IGNORE_EXPIRY_UNSAFE } from "../../../shared/tuf/expiry.ts";
import type { Random } from "../guest/random.ts";
import type { ProofSite } from "./proof_site.ts";

export interface Killed {
  readonly kills: number;
  /** Runs that were through before the signal came. */
  readonly through: number;
  /** Whole states of a kernel that readers saw and verified, artifacts included. */
  readonly reads: number;
}

/** A sync is killed at random points while readers look at the mirror all the time: each state that they see verifies. */
export async function killedSyncs(site: ProofSite, kills: number, random: Random): Promise<Killed> {
  const target = site.path("killed");
  const args = ["mirror", "sync", site.source, target, "--root", site.rootFile, "--all", "--json"];
  await site.must(...args);
  const whole = await site.timed(...args);
  const readers = [0, 1].map((n) => new Reader(site, target, n === 1));
  const reading = readers.map((reader) => reader.run());
  let through = 0;
  for (let kill = 0; kill < kills; kill++) {
    await site.publish(random);
    const child = spawn(process.execPath, [site.client, ...args], { stdio: "ignore" });
    const ended = once(child, "exit");
    await Promise.race([sleep(random() * whole * 2.5), ended]);
    if (child.exitCode === null) child.kill("SIGKILL");
    else through++;
    await ended;
  }
  for (const reader of readers) reader.stop();
  await Promise.all(reading);
  await site.must(...args);
  await site.must("mirror", "verify", target, "--json");
  const reads = readers.reduce((sum, reader) => sum + reader.reads, 0);
  assert.ok(reads > kills, `readers saw ${reads} states only`);
  assert.ok(through < kills / 2, `${through} of ${kills} runs were through before they were killed`);
  return { kills, through, reads };
}

/** One that never stops looking: at feed.json as hosts do, or at the files of a TUF repository. */
class Reader {
  reads = 0;
  #stopped = false;
  readonly #site: ProofSite;
  readonly #target: string;
  readonly #tuf: boolean;
  readonly #versions = new Map<BuildId, number>();

  constructor(site: ProofSite, target: string, tuf: boolean) {
    this.#site = site;
    this.#target = target;
    this.#tuf = tuf;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    const trust = await MirrorTrust.from(this.#site.root);
    const folder = folderFeed(`file://${this.#target}/`);
    // Without its feed.json a kernel is read by its standard files.
    const hidden = {
      ...folder,
      get: async (path: string, limits: Parameters<typeof folder.get>[1]) =>
        path.endsWith("/feed.json") ? ({ status: "not_found" } as const) : folder.get(path, limits),
    };
    const feed = this.#tuf ? withTufFiles(hidden) : folder;
    while (!this.#stopped) {
      for (const id of this.#site.ids) {
        const fetched = await feed.get(feedPath(id), { maxBytes: MAX_BUNDLE_BYTES });
        assert.equal(fetched.status, "ok", `${id} is not there`);
        if (fetched.status !== "ok") continue;
        const verified = await verifyMirrored(
          id,
          decodeBundle(fetched.bytes),
          undefined,
          trust,
          IGNORE_EXPIRY_UNSAFE,
        );
        const version = verified.trusted.targets.version;
        assert.ok(version >= (this.#versions.get(id) ?? 0), `${id} went back to version ${version}`);
        this.#versions.set(id, version);
        for (const { sha256, length } of artifactsIn(verified.manifest)) {
          const artifact = await folder.get(artifactPath(sha256), { maxBytes: length });
          assert.ok(
            artifact.status === "ok" && sha256Of(artifact.bytes) === sha256,
            `${sha256} is not there`,
          );
        }
        this.reads++;
        if (this.#stopped) return;
      }
    }
  }
}

/** The same for a transfer that is taken in: whenever it is cut short, the next import brings it to its end. */
export async function killedImports(site: ProofSite, kills: number, random: Random): Promise<number> {
  const [out, into, file] = [site.path("outside"), site.path("inside"), site.path("all.tar")];
  await site.must("mirror", "sync", site.source, out, "--root", site.rootFile, "--all", "--json");
  await site.must("mirror", "export", out, "-o", file, "--json");
  const args = ["mirror", "import", file, into, "--root", site.rootFile, "--json"];
  await site.must(...args);
  const dir = new MirrorDir(into);
  let cut = 0;
  for (let kill = 0; kill < kills; kill++) {
    await site.must("mirror", "state", into, "-o", site.path("state"), "--force", "--json");
    await site.publish(random);
    await site.must("mirror", "sync", site.source, out, "--json");
    await site.must("mirror", "export", out, "--since", site.path("state"), "-o", file, "--force", "--json");
    const child = spawn(process.execPath, [site.client, ...args], { stdio: "ignore" });
    const ended = once(child, "exit");
    await Promise.race([sleep(200 + random() * 1500), ended]);
    if (child.exitCode === null) cut++;
    child.kill("SIGKILL");
    await ended;
    await site.must("mirror", "import", file, into, "--json");
    await site.must("mirror", "verify", into, "--json");
  }
  assert.equal((await dir.index())?.size, site.ids.length);
  assert.deepEqual(await dir.index(), await new MirrorDir(join(out)).index());
  return cut;
}
