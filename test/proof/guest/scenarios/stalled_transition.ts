import assert from "node:assert/strict";
import { CLIENT, rebootless } from "../../../support/host.ts";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import { expectTruth } from "../truth.ts";

const UPDATE = "hold-1";
const DEADLINE_S = 12;
/** Long enough for it to be an attempt that is not repeated. */
const SHORT_DEADLINE_S = 6;
/** Starting up, reversing and unloading, on a machine that is emulated and busy. */
const ROOM_S = 60;

/** A task that sits in the function until it is released. */
async function sitIn(host: Host): Promise<number> {
  const script = "cat /proc/rebootless_target_hold >/tmp/held & echo $!";
  return Number(await host.guest.mustExec(script));
}

const release = (host: Host, value: "0" | "1") =>
  host.guest.mustExec(`echo ${value} >/sys/module/rebootless_target_hold/parameters/released`);

/** A client that waits gets SIGTERM, as `systemctl stop` sends it, and while it takes the change back two requests more. */
async function expectStopped(host: Host): Promise<void> {
  const script = `node ${CLIENT} --json upgrade --set stall_deadline=10m >/tmp/stopped.json 2>/tmp/stopped.err & client=$!
    until grep -qs 1 /sys/kernel/livepatch/*/transition; do sleep 0.2; kill -0 $client || exit 99; done
    sleep 2; kill -TERM $client; sleep 0.5; kill -TERM $client; kill -INT $client; wait $client`;
  const { code, ms } = await host.guest.exec(script, { timeoutMs: 1000 * 2 * ROOM_S });
  const stderr = await host.read("/tmp/stopped.err");
  assert.equal(code, 15, stderr);
  assert.ok(ms < 1000 * 2 * ROOM_S, "and it does not wait for its deadline");
  assert.match(stderr, /^SIGTERM: what is under way is finished or taken back/m);
  const said = JSON.parse(await host.read("/tmp/stopped.json")) as Readonly<Record<string, unknown>>;
  const { code: coded, details } = said["error"] as { code: string; details: object };
  assert.deepEqual({ coded, details }, { coded: "stopped", details: { cause: "stopped", restored: true } });
  await host.expectUntouched();
  await expectTruth(host);
  const history = JSON.stringify((await host.must("history")).json);
  assert.match(
    history,
    /the transition was reversed, as SIGTERM asked the run to end/,
    "it was written down",
  );
}

export const stalledTransition: Scenario = {
  name: "stalled-transition",
  async run(stage, host) {
    await host.guest.mustExec("modprobe rebootless_target_hold");
    await stage.feed.set([await stage.update(UPDATE, "rebootless_patch_hold")]);
    const pid = await sitIn(host);

    const watched = await rebootless(host.guest, "upgrade", "--set", `stall_deadline=${DEADLINE_S}s`);
    assert.equal(watched.code, 9, watched.stderr);
    const heldUp = new RegExp(`held up by cat\\[${pid}\\] in .*target_hold_show`);
    assert.match(watched.stderr, heldUp, "the task is named while it is waited for, and where it sits");
    assert.ok(watched.ms > 1000 * DEADLINE_S, "it was given its time");
    assert.ok(watched.ms < 1000 * (DEADLINE_S + ROOM_S), "and no more");
    await host.expectUntouched();

    const said = await host.expect(9, "upgrade", "--set", `stall_deadline=${SHORT_DEADLINE_S}s`);
    const { message, details } = said.json["error"] as { message: string; details: object };
    assert.match(message, new RegExp(`cat\\[${pid}\\]`), "and afterwards");
    assert.deepEqual(details, { cause: "code_busy", restored: true });
    await host.expectUntouched();
    await expectTruth(host);

    await expectStopped(host);

    await release(host, "1");
    await host.must("upgrade");
    assert.equal(await host.read("/proc/rebootless_target_hold"), "hold: patched\n");
    assert.equal(
      await host.read("/tmp/held"),
      "hold: original\n",
      "who sat in it was served by the code it was in",
    );
    await host.must("undo", "--all");
    assert.equal(await host.read("/proc/rebootless_target_hold"), "hold: original\n");
    await host.guest.mustExec("rmmod rebootless_target_hold");
  },
};
