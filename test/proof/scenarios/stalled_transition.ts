import assert from "node:assert/strict";
import { rebootless } from "../../support/host.ts";
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
