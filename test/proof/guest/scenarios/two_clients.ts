import assert from "node:assert/strict";
import { CLIENT } from "../../../support/host.ts";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import { expectTruth } from "../truth.ts";

const UPDATES = ["demo-cmdline-1", "demo-version-1"] as const;
const OK = 0;
const LOCKED = 10;

interface Run {
  readonly code: number;
  readonly applied: readonly string[];
}

/** Starts the same command twice at one moment. */
async function twice(host: Host, ...args: readonly string[]): Promise<readonly Run[]> {
  const one = (name: string) =>
    `(node ${CLIENT} ${args.join(" ")} --json >/tmp/${name}.json 2>/tmp/${name}.err; echo $? >/tmp/${name}.code) &`;
  await host.guest.mustExec(`${one("first")} ${one("second")} wait`, { timeoutMs: 180_000 });
  return await Promise.all(["first", "second"].map((name) => readRun(host, name)));
}

async function readRun(host: Host, name: string): Promise<Run> {
  const code = Number(await host.read(`/tmp/${name}.code`));
  const json: unknown = JSON.parse(await host.read(`/tmp/${name}.json`));
  const { results = [] } = json as { results?: readonly { id: string; result: string }[] };
  return { code, applied: results.filter(({ result }) => result === "applied").map(({ id }) => id) };
}

/** Both end well, or the one that waited too long for the other says so. */
function expectAllowed(runs: readonly Run[]): void {
  for (const { code } of runs) assert.ok(code === OK || code === LOCKED, `ended with ${code}`);
  assert.ok(
    runs.some(({ code }) => code === OK),
    "neither went through",
  );
}

export const twoClients: Scenario = {
  name: "two-clients",
  async run(stage, host) {
    await stage.feed.set([
      await stage.update(UPDATES[0], "rebootless_demo_cmdline"),
      await stage.update(UPDATES[1], "rebootless_demo_version"),
    ]);
    const upgrades = await twice(host, "upgrade");
    expectAllowed(upgrades);
    const applied = upgrades.flatMap((run) => run.applied);
    assert.deepEqual([...applied].sort(), [...UPDATES], "each is applied by one of them");
    await expectTruth(host);

    expectAllowed(await twice(host, "undo", "--all"));
    await host.expectUntouched();
    await expectTruth(host);
  },
};
