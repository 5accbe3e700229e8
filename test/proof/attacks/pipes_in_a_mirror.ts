import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { feedPath } from "../../../shared/feed/paths.ts";
import type { Attack } from "./attack.ts";
import { KERNEL, type Stage } from "./stage.ts";

/** More than the threads that Node has for files. */
const REQUESTS = 24;
const WAIT_MS = 5000;

/** A pipe that nobody writes to lies where a feed.json should be: whoever opens it waits for ever. */
export const pipesInAMirror: Attack = {
  name: "a pipe in a mirror's folder stops serve for everybody, and hangs verify, export and hosts",
  async play(stage: Stage) {
    const mirror = await stage.mirror("mirror");
    const { url, log } = await stage.serveMirror(mirror.folder);
    const feed = join(mirror.folder, feedPath(KERNEL));
    await rm(feed);
    execFileSync("mkfifo", [feed]);
    const ask = async (path: string) =>
      (await fetch(new URL(path, url), { signal: AbortSignal.timeout(WAIT_MS) })).status;
    const asked = [feedPath(KERNEL), `kernels/timestamps?ids=${KERNEL}`].flatMap((path) =>
      Array.from({ length: REQUESTS / 2 }, () => ask(path).catch(String)),
    );
    assert.equal(await ask("root/1.root.json"), 200, log());
    for (const status of await Promise.all(asked))
      assert.ok(status === 404 || status === 200, String(status));

    const host = await stage.host("host", `feed = ["${mirror.folder}"]\n`);
    const runs = await Promise.all([
      stage.rebootless(["mirror", "export", mirror.folder, "-o", stage.path("transfer.tar")]),
      stage.rebootless([...host, "check"]),
    ]);
    assert.deepEqual(
      runs.map(({ code }) => code),
      [4, 3],
      runs.map(({ stderr }) => stderr).join(),
    );
    const verified = await stage.rebootless(["mirror", "verify", mirror.folder]);
    assert.equal(verified.code, 4, verified.stdout + verified.stderr);
    const mended = await mirror.sync();
    assert.equal(mended.code, 0, mended.stdout + mended.stderr);
    assert.equal((await stage.rebootless([...host, "check"])).code, 0);
  },
};
