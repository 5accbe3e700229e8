import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import { expectTruth } from "../truth.ts";

const UPDATE = "demo-cmdline-1";
const STATE = "/var/lib/rebootless";
const PAGE = 4096;
/** Pages that are left: for nothing, for metadata alone, for half of a module, nearly for all of it. */
const FREE_PAGES = [0, 2, 13, 60, 85, 90] as const;

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
    await stage.feed.set([await stage.update(UPDATE, "rebootless_demo_cmdline")]);
    const codes: number[] = [];
    for (const pages of FREE_PAGES) {
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
    stage.progress(`free pages ${FREE_PAGES.join(" ")}: exit codes ${codes.join(" ")}`);
    assert.ok(codes.includes(1) && codes.includes(0), "the disk was too full at first and not at last");
    await host.guest.mustExec(["umount", STATE]);
  },
};
