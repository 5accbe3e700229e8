import assert from "node:assert/strict";
import type { Entry } from "../../../support/kernel_feed.ts";
import type { Host, Said } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { expectTruth } from "../truth.ts";

/*
 * Five updates over two modules and the kernel: base below left and right, join above both, tip above join. And one
 * that replaces them all.
 */

const ORDERS = [
  ["base", "left", "right", "join", "tip"],
  ["base", "right", "left", "join", "tip"],
];
const ORIGINAL = {
  a: "a.one: original\na.two: original\na.three: original\n",
  b: "b.one: original\nb.two: original\n",
};
const PATCHED = { a: "a.one: base\na.two: left\na.three: join\n", b: "b.one: right\nb.two: join\n" };
const PART = { a: "a.one: base\na.two: original\na.three: original\n", b: "b.one: right\nb.two: original\n" };
const REPLACED = { a: "a.one: all\na.two: all\na.three: all\n", b: "b.one: all\nb.two: all\n" };
const PARTLY_APPLIED = 11;

async function diamond(stage: Stage): Promise<readonly Entry[]> {
  return await Promise.all([
    stage.update("tip", "rebootless_demo_version", { depends: ["join"] }),
    stage.update("join", "rebootless_patch_join", { depends: ["left", "right"] }),
    stage.update("left", "rebootless_patch_left", { depends: ["base"] }),
    stage.update("right", "rebootless_patch_right", { depends: ["base"] }),
    stage.update("base", "rebootless_patch_base"),
  ]);
}

interface Result {
  readonly id: string;
  readonly result: string;
}

const resultsOf = ({ json }: Said): readonly Result[] => json["results"] as readonly Result[];
const idsOf = (said: Said, result: string): readonly string[] =>
  resultsOf(said).flatMap((one) => (one.result === result ? [one.id] : []));

async function expectLines(host: Host, lines: { readonly a: string; readonly b: string }): Promise<void> {
  assert.equal(await host.read("/proc/rebootless_target_a"), lines.a);
  assert.equal(await host.read("/proc/rebootless_target_b"), lines.b);
}

/** All in order, and out of it in reverse. */
async function throughAndBack(host: Host): Promise<void> {
  const order = idsOf(await host.must("upgrade"), "applied");
  assert.ok(
    ORDERS.some((allowed) => allowed.join() === order.join()),
    `applied in the order ${order}`,
  );
  await expectLines(host, PATCHED);
  const partial = await host.must("undo", "left");
  assert.deepEqual(idsOf(partial, "undone"), ["tip", "join", "left"], "its dependents first, and no others");
  await host.must("upgrade");
  await expectLines(host, PATCHED);
  assert.deepEqual(idsOf(await host.must("undo", "--all"), "undone"), [...order].reverse());
  await expectLines(host, ORIGINAL);
}

/** The kernel refuses one in the middle: its dependents are left out, everything else goes in. */
async function failureInTheMiddle(host: Host): Promise<void> {
  await host.guest.mustExec("touch /run/rebootless_refuse");
  const said = await host.expect(PARTLY_APPLIED, "upgrade");
  assert.deepEqual(idsOf(said, "applied").toSorted(), ["base", "right"]);
  assert.deepEqual(idsOf(said, "failed"), ["left"]);
  assert.deepEqual(idsOf(said, "left_out").toSorted(), ["join", "tip"]);
  await expectLines(host, PART);
  await expectTruth(host);
  await host.guest.mustExec("rm /run/rebootless_refuse");
  const rest = await host.must("upgrade");
  assert.deepEqual(idsOf(rest, "applied"), ["left", "join", "tip"], "and later the rest");
  await expectLines(host, PATCHED);
}

/** The whole diamond, applied, gives way to one update. */
async function superseded(stage: Stage, host: Host, all: readonly Entry[]): Promise<void> {
  const supersedes = all.map(({ id }) => id);
  const replace = await stage.update("all", "rebootless_patch_all", { replace: true, supersedes });
  await stage.feed.set([...all, replace]);
  assert.deepEqual(idsOf(await host.must("upgrade"), "applied"), ["all"]);
  await expectLines(host, REPLACED);
  assert.deepEqual(
    await host.modules("rebootless_patch_"),
    ["rebootless_patch_all"],
    "what it replaced is unloaded",
  );
  assert.deepEqual(idsOf(await host.must("upgrade"), "applied"), [], "and does not come back");
  await expectTruth(host);
  await host.must("undo", "all");
  await expectLines(host, ORIGINAL);
}

/** An update that is recalled when it is applied stays until the host's policy says otherwise; it never comes back. */
async function recalled(stage: Stage, host: Host, all: readonly Entry[]): Promise<void> {
  await stage.feed.set(all);
  await host.must("upgrade");
  const why = "it does more harm than good";
  await stage.feed.set(all.map((entry) => (entry.id === "left" ? { ...entry, recalled: why } : entry)));
  const kept = await host.must("upgrade");
  assert.ok(kept.stdout.includes(why), "a recall is told");
  await expectLines(host, PATCHED);
  const undone = await host.run("upgrade", "--set", "recall=undo");
  assert.deepEqual(idsOf(undone, "undone"), ["tip", "join", "left"]);
  await expectLines(host, PART);
  await host.run("upgrade");
  await expectLines(host, PART);
  await expectTruth(host);
  await host.must("undo", "--all");
  await expectLines(host, ORIGINAL);
}

export const diamondOfUpdates: Scenario = {
  name: "diamond",
  async run(stage, host) {
    await host.guest.mustExec("modprobe rebootless_target_a && modprobe rebootless_target_b");
    const all = await diamond(stage);
    await stage.feed.set(all);
    await throughAndBack(host);
    await failureInTheMiddle(host);
    await superseded(stage, host, all);
    await recalled(stage, host, all);
    await host.guest.mustExec("rmmod rebootless_target_a rebootless_target_b");
  },
};
