import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CLIENT } from "../../../support/host.ts";
import type { Host } from "../host.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { expectTruth } from "../truth.ts";

const execFileAsync = promisify(execFile);

const PULLS = 10;
const DISK_BYTES = 64 << 20;
/** In the order of their application; the second needs the first. */
const UPDATES = [
  { id: "demo-cmdline-1", module: "rebootless_demo_cmdline" },
  { id: "demo-version-1", module: "rebootless_demo_version" },
] as const;
const IDS = UPDATES.map(({ id }) => id);

/** A disk with a journalling file system, which holds what a host has in /etc and /var. */
async function makeDisk(folder: string): Promise<string> {
  const disk = join(folder, "disk");
  await writeFile(disk, "");
  await truncate(disk, DISK_BYTES);
  await execFileAsync("mkfs.ext4", ["-q", "-F", disk]);
  return disk;
}

async function bootFrom(stage: Stage, disk: string): Promise<Host> {
  const host = await stage.boot({ disks: [disk] });
  const folders = ["/etc/rebootless", "/var/lib/rebootless"];
  const binds = folders.map((path) => `mkdir -p /disk${path} ${path} && mount --bind /disk${path} ${path}`);
  await host.guest.mustExec(["mkdir -p /disk && mount -t ext4 /dev/nvme0n1 /disk", ...binds].join(" && "));
  return host;
}

const begin = (host: Host, ...args: readonly string[]) =>
  host.guest.mustExec(`node ${CLIENT} ${args.join(" ")} >/dev/null 2>&1 &`);

const inForce = async (host: Host): Promise<readonly string[]> => {
  const names = (await host.patches()).map(({ name }) => name);
  return UPDATES.filter(({ module }) => names.includes(module)).map(({ id }) => id);
};

/** Waits until the client writes down what it is about to do. */
const untilItActs = (host: Host) =>
  host.guest.mustExec(`cd /var/lib/rebootless/*/ && before=$(wc -c <journal)
    for i in $(seq 300); do [ "$(wc -c <journal)" = "$before" ] || exit 0; usleep 100000; done`);

interface Pull {
  readonly act: "upgrade" | "undo";
  /** What the kernel had in it, in whatever state, in the last moment. */
  readonly last: readonly string[];
}

/** Begins something, and ends the machine while it is at it: at any moment, or at any moment after the first act. */
async function pull(host: Host, act: Pull["act"], milliseconds: number, inTheAct: boolean): Promise<Pull> {
  await begin(host, ...(act === "upgrade" ? ["upgrade"] : ["undo", "--all"]));
  if (inTheAct) await untilItActs(host);
  await sleep(milliseconds);
  const last = await inForce(host);
  await host.guest.close(); // SIGKILL to QEMU
  return { act, last };
}

/** The next boot brings back what was known to be applied, and nothing else; what was under way is held and told. */
async function expectRightBoot(host: Host, { act, last }: Pull): Promise<string> {
  const { json } = await host.must("boot");
  const suspects = json["suspects"] as readonly string[];
  const now = await inForce(host);
  const found = `${act} pulled with [${last}] in the kernel: [${now}] after boot, suspects [${suspects}]`;
  assert.ok(suspects.length <= 1, found);
  for (const id of now) assert.ok(last.includes(id), `never applied, and in force: ${found}`);
  for (const id of last) assert.ok(now.includes(id) || suspects.includes(id), `lost: ${found}`);
  for (const id of suspects) assert.ok(!now.includes(id), `a suspect is in force: ${found}`);
  // Work on one begins when the other is done and written down.
  if (last.length === IDS.length) assert.ok(now.includes(IDS[0] ?? ""), `lost: ${found}`);
  await expectTruth(host);
  const status = await host.must("status");
  const told = status.json["suspects"] as readonly { id: string }[];
  assert.deepEqual(
    told.map(({ id }) => id),
    suspects,
    "status tells the suspects",
  );
  if (suspects.length > 0) await expectHeld(host, suspects);
  return found;
}

/** A suspect does not come back by itself. */
async function expectHeld(host: Host, suspects: readonly string[]): Promise<void> {
  await host.run("upgrade");
  const now = await inForce(host);
  for (const id of suspects) assert.ok(!now.includes(id), `${id} was tried again unasked`);
}

export const pulledPower: Scenario = {
  name: "pulled-power",
  async run(stage) {
    const [first, second] = UPDATES;
    await stage.feed.set([
      await stage.update(first.id, first.module),
      await stage.update(second.id, second.module, { depends: [first.id] }),
    ]);
    const folder = await mkdtemp(join(tmpdir(), "rebootless-disk-"));
    let host: Host | undefined;
    try {
      const disk = await makeDisk(folder);
      host = await bootFrom(stage, disk);
      await host.setUp();
      const spans = { upgrade: (await host.must("upgrade")).ms, undo: (await host.must("undo", "--all")).ms };
      for (let pulls = 0; pulls < PULLS; pulls++) {
        const act = pulls % 2 === 0 ? "upgrade" : "undo";
        if (act === "upgrade") await host.must("undo", "--all");
        const inTheAct = pulls % 4 < 2;
        const span = inTheAct ? spans[act] / 2 : spans[act];
        const pulled = await pull(host, act, stage.random() * span, inTheAct);
        host = await bootFrom(stage, disk);
        stage.progress(await expectRightBoot(host, pulled));
        await host.must("upgrade", ...IDS); // asked for by its id, a suspect is tried again
        assert.deepEqual(await inForce(host), IDS);
      }
    } finally {
      await host?.guest.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};
