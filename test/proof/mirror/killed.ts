import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EXPIRY_IS_NO_MATTER, judgeAt } from "../../../mirror/judge.ts";
import { MirrorDir } from "../../../mirror/mirror_dir.ts";
import { MirrorTrust } from "../../../mirror/trust.ts";
import { folderFeed } from "../../../node/transport/folder_feed.ts";
import { withTufFiles } from "../../../node/transport/tuf_folder.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { sha256Of } from "../../../shared/crypto/digest.ts";
import { artifactsIn } from "../../../shared/feed/artifacts.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import { artifactPath, feedPath } from "../../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../../shared/limits.ts";
import type { Random } from "../guest/random.ts";
import type { Ground } from "./ground.ts";

export interface Killed {
  readonly kills: number;
  /** Runs that were through before the signal came. */
  readonly through: number;
  /** Whole states of a kernel that readers saw and verified, artifacts included. */
  readonly reads: number;
}

/** A sync is killed at random points while readers look at the mirror all the time: each state that they see verifies. */
export async function killedSyncs(ground: Ground, kills: number, random: Random): Promise<Killed> {
  const target = ground.path("killed");
  const args = ["mirror", "sync", ground.source, target, "--root", ground.rootFile, "--all", "--json"];
  await ground.must(...args);
  const whole = await ground.timed(...args);
  const readers = [0, 1].map((n) => new Reader(ground, target, n === 1));
  const reading = readers.map((reader) => reader.run());
  let through = 0;
  for (let kill = 0; kill < kills; kill++) {
    await ground.publish(random);
    const child = spawn(process.execPath, [ground.client, ...args], { stdio: "ignore" });
    const ended = once(child, "exit");
    await Promise.race([sleep(random() * whole * 2.5), ended]);
    if (child.exitCode === null) child.kill("SIGKILL");
    else through++;
    await ended;
  }
  for (const reader of readers) reader.stop();
  await Promise.all(reading);
  await ground.must(...args);
  await ground.must("mirror", "verify", target, "--json");
  const reads = readers.reduce((sum, reader) => sum + reader.reads, 0);
  assert.ok(reads > kills, `readers saw ${reads} states only`);
  assert.ok(through < kills / 2, `${through} of ${kills} runs were through before they were killed`);
  return { kills, through, reads };
}

/** One that never stops looking: at feed.json as hosts do, or at the files of a TUF repository. */
class Reader {
  reads = 0;
  #stopped = false;
  readonly #ground: Ground;
  readonly #target: string;
  readonly #tuf: boolean;
  readonly #versions = new Map<BuildId, number>();

  constructor(ground: Ground, target: string, tuf: boolean) {
    this.#ground = ground;
    this.#target = target;
    this.#tuf = tuf;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    const trust = await MirrorTrust.from(this.#ground.root);
    const folder = folderFeed(`file://${this.#target}/`);
    // Without its feed.json a kernel is read by its standard files.
    const hidden = {
      ...folder,
      get: async (path: string, limits: Parameters<typeof folder.get>[1]) =>
        path.endsWith("/feed.json") ? ({ status: "not_found" } as const) : folder.get(path, limits),
    };
    const feed = this.#tuf ? withTufFiles(hidden) : folder;
    while (!this.#stopped) {
      for (const id of this.#ground.ids) {
        const fetched = await feed.get(feedPath(id), { maxBytes: MAX_BUNDLE_BYTES });
        assert.equal(fetched.status, "ok", `${id} is not there`);
        if (fetched.status !== "ok") continue;
        const judged = await judgeAt(id, decodeBundle(fetched.bytes), undefined, trust, EXPIRY_IS_NO_MATTER);
        const version = judged.trusted.targets?.version ?? 0;
        assert.ok(version >= (this.#versions.get(id) ?? 0), `${id} went back to version ${version}`);
        this.#versions.set(id, version);
        for (const { sha256, length } of artifactsIn(judged.manifest)) {
          const artifact = await folder.get(artifactPath(sha256), { maxBytes: length });
          assert.ok(
            artifact.status === "ok" && (await sha256Of(artifact.bytes)) === sha256,
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
export async function killedImports(ground: Ground, kills: number, random: Random): Promise<number> {
  const [out, into, file] = [ground.path("outside"), ground.path("inside"), ground.path("all.tar")];
  await ground.must("mirror", "sync", ground.source, out, "--root", ground.rootFile, "--all", "--json");
  await ground.must("mirror", "export", out, "-o", file, "--json");
  const args = ["mirror", "import", file, into, "--root", ground.rootFile, "--json"];
  await ground.must(...args);
  const dir = new MirrorDir(into);
  let cut = 0;
  for (let kill = 0; kill < kills; kill++) {
    await ground.must("mirror", "state", into, "-o", ground.path("state"), "--force", "--json");
    await ground.publish(random);
    await ground.must("mirror", "sync", ground.source, out, "--json");
    await ground.must(
      "mirror",
      "export",
      out,
      "--since",
      ground.path("state"),
      "-o",
      file,
      "--force",
      "--json",
    );
    const child = spawn(process.execPath, [ground.client, ...args], { stdio: "ignore" });
    const ended = once(child, "exit");
    await Promise.race([sleep(200 + random() * 1500), ended]);
    if (child.exitCode === null) cut++;
    child.kill("SIGKILL");
    await ended;
    await ground.must("mirror", "import", file, into, "--json");
    await ground.must("mirror", "verify", into, "--json");
  }
  assert.equal((await dir.index())?.size, ground.ids.length);
  assert.deepEqual(await dir.index(), await new MirrorDir(join(out)).index());
  return cut;
}
