import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { objectName } from "../../../../shared/brand.ts";
import { buildKsplice, KSPLICE_SERVER, kspliceParts } from "../../../support/guest/modules/ksplice.ts";
import type { Entry } from "../../../support/kernel_feed.ts";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { expectTruth } from "../truth.ts";

/*
 * An update in Ksplice's format for two modules, of which one is not loaded at first. The kernel's part is played by a
 * module of ours: it serves Ksplice's sysfs interface and replaces no code.
 */

const KID = "pr00f123";
const FOLDER = `/sys/module/ksplice_${KID}/ksplice`;
const PARAMETERS = `/sys/module/${KSPLICE_SERVER}/parameters`;
const TARGETS = ["rebootless_target_a", "rebootless_target_b"] as const;
const REFUSED = 9;

async function publish(stage: Stage, host: Host): Promise<void> {
  const update = { kid: KID, targets: TARGETS.map((name) => objectName(name)), core: true };
  const folder = await buildKsplice(stage.kernel, [update]);
  const ksplice = kspliceParts(update).map((part) => ({ ...part, path: join(folder, `${part.name}.ko`) }));
  const entry: Entry = { ...(await stage.update("ksplice-1", "rebootless_patch_join")), ksplice };
  await stage.feed.set([entry]);
  const server = `/root/${KSPLICE_SERVER}.ko`;
  await host.guest.putFile(server, await readFile(join(folder, `${KSPLICE_SERVER}.ko`)));
  await host.guest.mustExec(`modprobe ${TARGETS[0]} && insmod ${server}`);
}

const stageOf = async (host: Host): Promise<string> => (await host.read(`${FOLDER}/stage`)).trim();

async function expectGone(host: Host): Promise<void> {
  assert.deepEqual(await host.modules("ksplice_"), []);
  await expectStates(host, "available");
}

async function expectStates(host: Host, state: string): Promise<void> {
  assert.deepEqual(await host.states(), { "ksplice-1": state });
}

async function refusedAsAWhole(host: Host): Promise<void> {
  const said = await host.expect(REFUSED, "upgrade");
  assert.match(JSON.stringify(said.json["error"]), /"cause":"target_not_loaded"/);
  await expectGone(host);
}

async function inPart(host: Host): Promise<void> {
  const said = await host.must("upgrade", "--partial");
  assert.match(JSON.stringify(said.json["results"]), /"pending":\["rebootless_target_b"\]/);
  assert.equal(await stageOf(host), "applied");
  await expectStates(host, "applied");
  await host.must("undo", "ksplice-1");
  await expectGone(host);
}

/** The kernel gives up, again and again, over a task that sits in the code. */
async function busy(host: Host): Promise<void> {
  const set = (name: string, text: string) => host.guest.mustExec(`echo '${text}' >${PARAMETERS}/${name}`);
  await set("conflicting", "my task 4711 target_a_three");
  await set("abort_with", "code_busy");
  await set("aborts", "100");
  const said = await host.expect(REFUSED, "upgrade");
  const { message, details } = said.json["error"] as { message: string; details: object };
  assert.match(message, /my task\[4711\]/, "the task is named");
  assert.deepEqual(details, { cause: "code_busy", restored: true });
  await expectGone(host);
  await set("aborts", "0");
}

export const kspliceUpdates: Scenario = {
  name: "ksplice",
  async run(stage, host) {
    await publish(stage, host);
    await refusedAsAWhole(host);
    await inPart(host);
    await host.guest.mustExec(["modprobe", TARGETS[1]]);
    await busy(host);
    await host.must("upgrade");
    assert.equal(await stageOf(host), "applied");
    await expectStates(host, "applied");
    await host.must("undo", "--all");
    await expectGone(host);
    await expectTruth(host);
    await host.guest.mustExec(["rmmod", KSPLICE_SERVER, ...TARGETS]);
  },
};
