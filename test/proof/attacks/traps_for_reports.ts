import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chown, mkdir, readFile, symlink } from "node:fs/promises";
import type { Attack } from "./attack.ts";
import type { Stage } from "./stage.ts";

const SOMEBODY = 1000;
/** Processes that may start until the program does. */
const PROCESSES = 2000;

/** A folder that root reports to was left to somebody, who lays links and pipes where the reports go. */
export const trapsForReports: Attack = {
  name: "links and pipes where root writes down what a run found make it overwrite another file, or hang",
  async play(stage: Stage) {
    const feed = await stage.feedFolder("feed");
    const victim = await stage.write("victim", "root's own");
    const run = ["--quiet", "upgrade", "--scheduled"];

    const reports = await stage.host("reports", `feed = "${feed}"\njitter = "0s"\n`);
    const runDir = stage.path("reports", "run");
    await mkdir(runDir);
    for (let pid = process.pid; pid < process.pid + PROCESSES; pid++)
      await symlink(victim, `${runDir}/.status.json.${pid}.new`);
    await chown(runDir, SOMEBODY, SOMEBODY);
    assert.equal((await stage.rebootless([...reports, ...run])).code, 2);
    assert.equal(await readFile(victim, "utf8"), "root's own");

    const states = await stage.host("states", `feed = "${feed}"\njitter = "0s"\n`);
    const stateDir = stage.path("states", "state");
    await mkdir(stateDir);
    execFileSync("mkfifo", [`${stateDir}/conditions.json`]);
    await chown(stateDir, SOMEBODY, SOMEBODY);
    for (const command of [run, ["check"], ["status"], ["doctor"]]) {
      const { code, stderr } = await stage.rebootless([...states, ...command]);
      assert.ok(code === 2 || (command[0] === "doctor" && code === 1), `${command[0]}: ${code} ${stderr}`);
    }
  },
};
