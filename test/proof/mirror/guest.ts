import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { mustMirror, mustPublish } from "../../support/commands.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { ROOT_IN_GUEST } from "../../support/host.ts";
import type { Host } from "../guest/host.ts";
import { randomFrom } from "../guest/random.ts";
import { openStage, type Stage } from "../guest/stage.ts";

const run = promisify(execFile);
const UPDATE = "demo-cmdline-1";
const FIRST = "/media/first";
const SECOND = "/media/second";
const DAYS = 20;

/**
 * A site behind a gap. Outside: a publisher, the edge, a mirror. Over the gap: transfers. Inside: a mirror, and a host whose only feed
 * is a disk image that it cannot write to. The host's network is there, and counts what is sent: nothing is.
 */
export async function behindTheGap(
  kernel: Kernel,
  say: (text: string) => void,
): Promise<Readonly<Record<string, unknown>>> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-gap-"));
  const stage = await openStage({ kernel, random: randomFrom(1), progress: say });
  let host: Host | undefined;
  try {
    const site = new Gap(work, stage);
    await stage.feed.set([await stage.update(UPDATE, "rebootless_demo_cmdline")]);
    const first = await site.carry("first");
    await rotateRoot(stage);
    await stage.feed.set([await stage.update(UPDATE, "rebootless_demo_cmdline", { recalled: "it was bad" })]);
    const second = await site.carry("second");
    say(`carried ${first.bytes} bytes, then ${second.bytes}`);
    assert.deepEqual(second.roots, [2]);
    assert.deepEqual(second.recalled, [UPDATE]);
    host = await stage.boot({ readOnlyDisks: [first.image, second.image] });
    const silent = await onTheHost(host);
    return { kernel: kernel.version, first_bytes: first.bytes, second_bytes: second.bytes, ...silent };
  } finally {
    await host?.guest.close();
    await stage.close();
    await rm(work, { recursive: true, force: true });
  }
}

async function rotateRoot({ publication }: Stage): Promise<void> {
  await mustPublish("root", "renew", publication.dir, "--feed", publication.edge.url, "--yes");
}

interface Carried {
  readonly image: string;
  readonly bytes: number;
  readonly roots: readonly number[];
  readonly recalled: readonly string[];
}

class Gap {
  readonly #work: string;
  readonly #stage: Stage;

  constructor(work: string, stage: Stage) {
    this.#work = work;
    this.#stage = stage;
  }

  /** Outside to inside, and from there onto a disk. */
  async carry(name: string): Promise<Carried> {
    const { publication } = this.#stage;
    const [out, into] = [join(this.#work, "outside"), join(this.#work, "inside")];
    const [file, state, image] = ["tar", "state", "img"].map((end) => join(this.#work, `${name}.${end}`)) as [
      string,
      string,
      string,
    ];
    await mustMirror("sync", publication.edge.url, out, "--root", publication.rootFile, "--all");
    const since = name === "first" ? [] : ["--since", state];
    if (name !== "first") await mustMirror("state", into, "-o", state);
    await mustMirror("export", out, "-o", file, ...since);
    const imported = await mustMirror("import", file, into, "--root", publication.rootFile);
    await mustMirror("verify", into);
    await run("mkfs.ext4", ["-q", "-F", "-d", into, image, "64m"]);
    const { size } = await stat(file);
    return {
      image,
      bytes: size,
      roots: imported["roots"] as readonly number[],
      recalled: imported["recalled"] as readonly string[],
    };
  }
}

async function onTheHost(host: Host): Promise<Readonly<Record<string, unknown>>> {
  const { guest } = host;
  await guest.mustExec(`mkdir -p ${FIRST} ${SECOND} && mount -t ext4 -o ro,noload /dev/nvme0n1 ${FIRST} &&
    mount -t ext4 -o ro,noload /dev/nvme1n1 ${SECOND} && ! touch ${FIRST}/x 2>/dev/null`);
  // Left alone, the kernel itself looks for routers over IPv6 now and then.
  await guest.mustExec("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; sleep 1");
  const before = await sent(host);
  await host.must("init", "--feed", FIRST, "--root", ROOT_IN_GUEST);
  const upgraded = await host.must("upgrade");
  assert.deepEqual((await host.states())[UPDATE], "applied");
  assert.match(await host.read("/proc/cmdline"), /this function was replaced/);

  // The next stick: a new root, and the update is recalled.
  const checked = await host.run("--set", `feed=${SECOND}`, "check");
  assert.equal(checked.code, 0, checked.stderr);
  const root = JSON.parse(await host.read("/var/lib/rebootless/trust/root.json")) as {
    signed: { version: number };
  };
  assert.equal(root.signed.version, 2);
  await host.must("--set", `feed=${SECOND}`, "--set", "recall=undo", "upgrade");
  await host.expectUntouched();
  assert.equal((await host.states())[UPDATE], "recalled");
  // Who goes back to the old stick is told.
  assert.equal((await host.run("--set", `feed=${FIRST}`, "check")).code, 4);

  const stale = await staleStick(host);
  assert.equal(await sent(host), before, "something was sent to the network");
  return { upgraded: upgraded.code === 0, recalled: true, root: root.signed.version, packets_sent: 0, stale };
}

/** A stick that came too late, and a policy that takes it. */
async function staleStick(host: Host): Promise<string> {
  await host.guest.mustExec(`date -s "@$(($(date +%s) + ${DAYS} * 86400))"`);
  const refused = await host.expect(8, "--set", `feed=${SECOND}`, "check");
  assert.match(
    refused.stderr,
    /^error: \/media\/second\/ is out of date: timestamp expired at .*\nhint: Bring a newer copy/m,
  );
  const taken = await host.must("--set", `feed=${SECOND}`, "--set", `accept_stale=${DAYS + 10}d`, "check");
  assert.match(taken.stderr, /^warning: accepted although timestamp expired/m);
  return /^error: (.*)$/m.exec(refused.stderr)?.[1] ?? "";
}

/** Packets that left the machine, by the kernel's own count. */
async function sent(host: Host): Promise<number> {
  return Number(await host.read("/sys/class/net/eth0/statistics/tx_packets"));
}
