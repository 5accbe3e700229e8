import assert from "node:assert/strict";
import { CLIENT } from "../../../support/host.ts";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import { expectTruth } from "../truth.ts";

/** How many times the client is killed while it upgrades, and as often while it undoes. */
const KILLS_EACH = 25;
const UPDATES = ["demo-cmdline-1", "demo-version-1"] as const;

/** Ends the client with SIGKILL after some milliseconds. False when it had ended by itself before. */
async function killAfter(host: Host, milliseconds: number, ...args: readonly string[]): Promise<boolean> {
  const script = `node ${CLIENT} ${args.join(" ")} >/dev/null 2>&1 & pid=$!
    usleep ${Math.round(milliseconds * 1000)}; kill -KILL $pid 2>/dev/null; wait $pid; echo $?`;
  const code = Number(await host.guest.mustExec(script));
  assert.ok(
    code === 137 || code === 0,
    `rebootless ${args.join(" ")} ended with ${code} before it was killed`,
  );
  return code === 137;
}

/** How long a command takes when nobody disturbs it. */
async function duration(host: Host, ...args: readonly string[]): Promise<number> {
  return (await host.must(...args)).ms;
}

export const killedClient: Scenario = {
  name: "killed-client",
  async run(stage, host) {
    const { random, progress } = stage;
    await stage.feed.set([
      await stage.update(UPDATES[0], "rebootless_demo_cmdline"),
      await stage.update(UPDATES[1], "rebootless_demo_version", { depends: [UPDATES[0]] }),
    ]);
    const spans = { upgrade: await duration(host, "upgrade"), undo: await duration(host, "undo", "--all") };

    for (let kills = 0; kills < KILLS_EACH; ) {
      if (await killAfter(host, random() * spans.upgrade, "upgrade")) kills++;
      await expectTruth(host);
      await host.must("upgrade");
      const applied = Object.fromEntries(UPDATES.map((id) => [id, "applied"]));
      assert.deepEqual(await host.states(), applied, "nothing is lost");
      assert.match(await host.read("/proc/cmdline"), /this function was replaced/);
      await expectTruth(host);

      // The way out, until it has been hit as often.
      while (!(await killAfter(host, random() * spans.undo, "undo", "--all"))) await host.must("upgrade");
      await expectTruth(host);
      await host.must("undo", "--all");
      await host.expectUntouched();
      progress(`killed ${2 * kills} times`);
    }
  },
};
