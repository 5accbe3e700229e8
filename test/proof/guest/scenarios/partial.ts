import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { expectTruth } from "../truth.ts";

/*
 * An update of two modules of which one, target_b, is not loaded.
 */

const UPDATE = "join";
const NO_MATCH = 6;
const REFUSED = 9;
const ORIGINAL_A = "a.one: original\na.two: original\na.three: original\n";
const PATCHED_A = "a.one: original\na.two: original\na.three: join\n";
const PATCHED_B = "b.one: original\nb.two: join\n";

const modprobe = (host: Host, target: string) =>
  host.guest.mustExec(["modprobe", `rebootless_target_${target}`]);
const rmmod = (host: Host, target: string) => host.guest.mustExec(["rmmod", `rebootless_target_${target}`]);

/** Another build takes the file's place, as when a package is updated while its kernel runs; and back. */
async function exchange(stage: Stage, host: Host): Promise<() => Promise<void>> {
  const path = `/lib/modules/${stage.kernel.version}/extra/rebootless_target_b.ko`;
  const original = await host.guest.getFile(path);
  await host.guest.putFile(path, await readFile(await stage.otherBuild("rebootless_target_b")));
  return () => host.guest.putFile(path, original);
}

/** Without leave for a part, all of it waits. */
async function refusedAsAWhole(host: Host): Promise<void> {
  const said = await host.expect(REFUSED, "upgrade");
  assert.match(JSON.stringify(said.json), /"cause":"target_not_loaded"/);
  assert.match(said.stderr, /rebootless_target_b/, "the module is named");
  await host.expectUntouched();
}

/** What is loaded is patched, the other module when it comes. */
async function loadedLater(host: Host): Promise<void> {
  await host.must("upgrade", "--partial");
  assert.equal(await host.read("/proc/rebootless_target_a"), PATCHED_A);
  const waiting = await host.must("status");
  assert.match(
    JSON.stringify(waiting.json),
    /"pending":\["rebootless_target_b"\]/,
    "status says what is pending",
  );
  await modprobe(host, "b");
  assert.equal(await host.read("/proc/rebootless_target_b"), PATCHED_B, "the kernel patches it as it comes");
  await host.must("upgrade");
  const done = await host.must("status");
  assert.doesNotMatch(JSON.stringify(done.json), /"pending":\["rebootless_target_b"\]/);
  await expectTruth(host);
  await host.must("undo", "--all");
  assert.equal(await host.read("/proc/rebootless_target_a"), ORIGINAL_A);
  await rmmod(host, "b");
}

/** The file on disk is another build: the update, which the kernel would put into it blindly, does not go in. */
async function anotherBuildOnDisk(stage: Stage, host: Host): Promise<void> {
  const restore = await exchange(stage, host);
  const said = await host.expect(NO_MATCH, "upgrade", "--partial");
  assert.match(said.stderr, /rebootless_target_b/, "the module is named");
  await host.expectUntouched();

  await modprobe(host, "b");
  const loaded = await host.expect(NO_MATCH, "upgrade");
  assert.match(loaded.stderr, /rebootless_target_b/, "nor when that build is loaded");
  await host.expectUntouched();
  await rmmod(host, "b");
  await restore();
}

/** Pending, and then another build of the module comes: the next run says so. */
async function anotherBuildLater(stage: Stage, host: Host): Promise<void> {
  await host.must("upgrade", "--partial");
  const restore = await exchange(stage, host);
  await modprobe(host, "b");
  const said = await host.run("upgrade");
  assert.notEqual(said.code, 0);
  assert.match(said.stderr, /rebootless_target_b/, "the module is named");
  await host.run("undo", "--all");
  await host.expectUntouched();
  await rmmod(host, "b");
  await restore();
}

export const partial: Scenario = {
  name: "partial",
  async run(stage, host) {
    await stage.feed.set([await stage.update(UPDATE, "rebootless_patch_join")]);
    await modprobe(host, "a");
    await refusedAsAWhole(host);
    await loadedLater(host);
    await anotherBuildOnDisk(stage, host);
    await anotherBuildLater(stage, host);
    await rmmod(host, "a");
  },
};
