import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, mkdir } from "node:fs/promises";
import type { Attack } from "./attack.ts";
import type { Stage } from "./stage.ts";

const NOBODY = 65534;
/** What is root's alone, whoever asks. */
const SECRET = ["-name", "lock"];

/** A hardened host, on which whatever root makes is root's alone; its monitor and its web server are not root. */
export const narrowUmask: Attack = {
  name: "under an umask of 077 what a run found is hidden from the monitor, and a mirror from its web server",
  async play(stage: Stage) {
    await chmod(stage.path(), 0o755);
    const feed = await stage.feedFolder("feed");
    await mkdir(stage.path("monitor"));
    const metrics = stage.path("monitor", "rebootless.prom");
    const host = await stage.host("host", `feed = "${feed}"\nmetrics_file = "${metrics}"\n`);
    const mirror = stage.path("mirror");
    const root = stage.path("host", "etc", "root.json");
    const runs = [
      ["check"],
      ["metrics", "-o", stage.path("monitor", "asked.prom")],
      ["mirror", "sync", feed, mirror, "--root", root, "--all"],
    ];
    for (const run of runs) {
      const { code, stderr } = await stage.rebootless([...host, ...run], { umask: "077" });
      assert.equal(code, 0, stderr);
    }
    const folders = ["host/run", "host/state", "monitor", "mirror"].map((name) => stage.path(name));
    for (const folder of folders) {
      assert.notEqual(
        asNobody("find", folder, "-type", "f", "-readable"),
        "",
        `nothing to read in ${folder}`,
      );
      const hidden = asNobody("find", folder, "!", "-readable", "!", ...SECRET);
      assert.equal(hidden, "", `hidden from others: ${hidden}`);
    }
    assert.equal(asNobody("find", ...folders, ...SECRET, "-readable"), "", "others can open the lock");
  },
};

const asNobody = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { uid: NOBODY, gid: NOBODY, cwd: "/", encoding: "utf8" });
