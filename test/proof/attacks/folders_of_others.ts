import assert from "node:assert/strict";
import { chmod, chown, mkdir, rename, symlink } from "node:fs/promises";
import type { Attack } from "./attack.ts";
import { KERNEL, type Stage } from "./stage.ts";

const SOMEBODY = 1000;

/** Whoever can move a folder can put another module where the verified one was, just before it is loaded. */
export const foldersOfOthers: Attack = {
  name: "a user controls a folder from which root loads modules, or one on the way to it",
  async play(stage: Stage) {
    const folder = await stage.feedFolder("feed", KERNEL);
    const host = await stage.host("way/host", `feed = ["${folder}"]\n`);
    const state = stage.path("way/host/state");
    const refused = async (what: string, ...command: readonly string[]) => {
      const { code, stderr } = await stage.rebootless([...host, ...command]);
      assert.equal(code, 2, `${what}: ${command.join(" ")}: ${stderr}`);
      assert.match(stderr, /root alone must control/);
    };
    assert.equal((await stage.rebootless([...host, "check"])).code, 0);

    await chown(state, SOMEBODY, SOMEBODY);
    for (const command of ["check", "upgrade", "boot"]) await refused("the state folder is his", command);
    await chown(state, 0, 0);

    await chmod(state, 0o777);
    await refused("anybody can write the state folder", "upgrade");
    await chmod(state, 0o755);

    await chown(stage.path("way"), SOMEBODY, SOMEBODY);
    await refused("a folder above is his", "upgrade");
    await chown(stage.path("way"), 0, 0);

    await mkdir(stage.path("his"));
    await rename(state, stage.path("his/state"));
    await chown(stage.path("his"), SOMEBODY, SOMEBODY);
    await symlink(stage.path("his/state"), state);
    await refused("a link leads through a folder of his", "upgrade");
  },
};
