import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import { expectTruth } from "../truth.ts";

const UPDATE = "demo-cmdline-1";
const STATE = "/var/lib/rebootless";
const PAGE = 4096;
/** For the journal and the metadata, beside a module. */
const OTHER_PAGES = 32;

/** Pages that are left: for nothing, for metadata alone, for a part of the module, nearly for all of it, for everything. */
async function freePages(module: string): Promise<readonly number[]> {
  const whole = Math.ceil((await stat(module)).size / PAGE);
  return [0, 2, 13, whole - 20, whole - 1, whole + 2, whole + OTHER_PAGES];
}

/** A file system of its own for the client's state, full but for some pages. */
async function fill(host: Host, pages: number): Promise<void> {
  const script = `umount ${STATE} 2>/dev/null; mkdir -p ${STATE} && mount -t tmpfs -o size=1m,mode=755 state ${STATE} &&
    dd if=/dev/zero of=${STATE}/filler bs=${PAGE} count=$((256 - ${pages})) 2>/dev/null; df ${STATE} | tail -1`;
  await host.guest.mustExec(script);
}

const makeRoom = (host: Host) => host.guest.mustExec(["rm", "-f", `${STATE}/filler`]);

/** The update is in force, whole, or nothing of it is; and the client says which. */
async function expectWhole(host: Host, code: number): Promise<void> {
  await expectTruth(host);
  const inForce = (await host.patches()).length > 0;
  assert.equal(code === 0, inForce, `exit code ${code}, and the update is ${inForce ? "" : "not "}in force`);
}

export const fullDisk: Scenario = {
  name: "full-disk",
  async run(stage, host) {
    const update = await stage.update(UPDATE, "rebootless_demo_cmdline");
    await stage.feed.set([update]);
    const codes: number[] = [];
    const frees = await freePages(update.module);
    for (const pages of frees) {
      await fill(host, pages);
      const upgraded = await host.run("upgrade");
      codes.push(upgraded.code);
      if (upgraded.code !== 0) assert.match(upgraded.stderr, /ENOSPC|no space left|disk is full/i);
      await expectWhole(host, upgraded.code);
      await makeRoom(host);
      await host.must("upgrade");
      assert.match(await host.read("/proc/cmdline"), /this function was replaced/);

      await host.guest.mustExec(`cat /dev/zero >${STATE}/filler 2>/dev/null; true`);
      const undone = await host.run("undo", "--all");
      await expectTruth(host);
      if (undone.code !== 0) {
        await makeRoom(host);
        await host.must("undo", "--all");
      }
      await host.expectUntouched();
    }
    stage.progress(`free pages ${frees.join(" ")}: exit codes ${codes.join(" ")}`);
    assert.equal(codes.at(0), 1, "nothing fits on a full disk");
    assert.equal(codes.at(-1), 0, "there was room for all at last");
    await host.guest.mustExec(["umount", STATE]);
  },
};
