import assert from "node:assert/strict";
import { readdir, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { feedPath, metadataPath } from "../../../shared/feed/paths.ts";
import type { Attack } from "./attack.ts";
import { KERNEL, type Stage } from "./stage.ts";

/** Somebody may write to a mirror's folder, which root serves, verifies and brings up to date. */
export const linksInAMirror: Attack = {
  name: "links in a mirror's folder lead to a secret, and to a folder that root is to write to",
  async play(stage: Stage) {
    const secret = await stage.write("secrets/9.root.json", "the secret");
    const secrets = dirname(secret);
    const mirror = await stage.mirror("mirror");
    await symlink(secret, join(mirror.folder, "root/9.root.json"));
    await symlink(secrets, join(mirror.folder, "kernels", "bb".repeat(20)));
    await stage.write("secrets/feed.json", "the secret");
    const { url, log } = await stage.serveMirror(mirror.folder);
    for (const path of ["root/9.root.json", `kernels/${"bb".repeat(20)}/feed.json`]) {
      const answer = await fetch(new URL(path, url));
      assert.equal(answer.status, 404, `${path} was served: ${await answer.text()}`);
    }
    assert.equal((await fetch(new URL(feedPath(KERNEL), url))).status, 200, log());

    await rm(join(mirror.folder, metadataPath(KERNEL)), { recursive: true });
    await symlink(secrets, join(mirror.folder, metadataPath(KERNEL)));
    await rm(join(mirror.folder, "kernels/index.json"));
    const before = await readdir(secrets);
    const synced = await mirror.sync();
    assert.deepEqual(await readdir(secrets), before, "a sync wrote through a link");
    assert.equal(synced.code, 4, synced.stdout + synced.stderr);
    const verified = await stage.rebootless(["mirror", "verify", mirror.folder]);
    assert.equal(verified.code, 4, verified.stdout + verified.stderr);
    const mended = await mirror.sync();
    assert.equal(mended.code, 0, mended.stdout + mended.stderr);
    assert.equal((await stage.rebootless(["mirror", "verify", mirror.folder])).code, 0);
    assert.deepEqual(await readdir(secrets), before, "what a link leads to was removed");

    await rename(join(mirror.folder, "artifacts"), stage.path("moved")).catch(() => undefined);
    await symlink(secrets, join(mirror.folder, "artifacts"));
    const pruned = await mirror.sync("--keep", "1");
    assert.equal(pruned.code, 2, pruned.stdout + pruned.stderr);
    assert.deepEqual(await readdir(secrets), before, `pruned through a link to ${basename(secrets)}`);
  },
};
