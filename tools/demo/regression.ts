import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { closeSync, ftruncateSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { differencePatch } from "../../test/proof/create/one_file.ts";
import { readPair, type SourcePair } from "../../test/proof/create/pair.ts";
import { Workshop } from "../../test/proof/create/workshop.ts";
import { mustPublish, publisherBundle } from "../../test/support/commands.ts";
import type { EdgeProcess } from "../../test/support/edge_process.ts";
import type { Guest } from "../../test/support/guest/guest.ts";
import { bootHost, CLIENT, ROOT_IN_GUEST, rebootless } from "../../test/support/host.ts";
import type { Teller } from "./teller.ts";

const run = promisify(execFile);

/*
 * Shows a regression of the distribution: Debian's 6.1.192-1 oopses in ext4 when a file is removed after its bitmaps
 * left the page cache. The difference to 6.1.192-2 is made into an update, out of the source packages. A host that
 * gets this update from its timer does not oops.
 */

const ID = "demo-ext4-mballoc";
const FILE = "fs/ext4/mballoc.c";
const DISK_BYTES = 64 << 20;
const CREATE_TIMEOUT_MS = 1_200_000;

/** Fills a file, drops the caches of the file system, and removes the file, as a backup or a cron job does every day. */
const TRIGGER = `mke2fs -q /dev/nvme0n1 >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/nvme0n1 /mnt || exit 9
dd if=/dev/zero of=/mnt/file bs=1M count=8 2>/dev/null && sync
echo 3 > /proc/sys/vm/drop_caches
rm /mnt/file && sync && umount /mnt && echo removed`;

export async function showRegression(
  { title, show }: Teller,
  pairFile: string,
  place: { readonly work: string; readonly feed: string; readonly edge: EdgeProcess },
  cleanup: (() => Promise<void>)[],
): Promise<void> {
  const pair = await readPair(pairFile);
  const { version } = pair.kernel;
  if (!pair.asked)
    show(`the archive has no more of the regression: ${pair.from} and ${pair.to} are taken, the newest pair`);
  const { file, patch } = pair.asked
    ? { file: FILE, patch: await differencePatch(pair, FILE) }
    : await anyPatch(pair, place.work);
  title(`the distribution's own difference of ${pair.from} and ${pair.to}: ${file}`);
  show(await changedLines(patch));

  title("publisher: an update out of source, image and headers, as Debian ships them");
  const made = join(place.work, "made");
  show(await create(pair, patch, made));

  title("publisher: sign, and push over HTTP");
  const module = join(made, "rebootless_demo_ext4_mballoc.ko");
  show(
    await mustPublish(
      "push",
      place.feed,
      join(made, `${ID}.json`),
      "--module",
      module,
      "--feed",
      place.edge.url,
    ),
  );

  if (pair.asked) {
    title(
      `a host without the update: boot ${version}, unmodified; write a file, drop caches, remove the file`,
    );
    const without = await boot(pair, place, cleanup);
    show(TRIGGER);
    show(await crash(without));
    await without.close();
  }

  title(`a host with it: boot ${version}, unmodified`);
  const updated = await boot(pair, place, cleanup);
  title("host with it: its timer runs, as it does every four hours");
  await mustRun(updated, show, "init", "--feed", updated.feedUrl(place.edge.port), "--root", ROOT_IN_GUEST);
  show(await timerRun(updated));
  assert.match(await mustRun(updated, show, "status"), new RegExp(`^applied +${ID}`, "m"));
  title("host with it: write a file, drop caches, remove the file");
  show(TRIGGER);
  const healthy = await updated.exec(TRIGGER, { timeoutMs: 120_000 });
  assert.equal(healthy.code, 0, `removing the file ended with ${healthy.code}: ${healthy.stderr}`);
  const log = await updated.mustExec(["dmesg"]);
  assert.doesNotMatch(log, /BUG:|Oops/, "the kernel is healthy");
  show(`${healthy.stdout.trim()}; no word of it in the kernel's log`);
}

interface Difference {
  readonly file: string;
  /** The path of the patch. */
  readonly patch: string;
}

/** Returns another difference of the pair, the first that can be made into an update for a running kernel. */
async function anyPatch(pair: SourcePair, work: string): Promise<Difference> {
  const workshop = await Workshop.open(pair, () => undefined);
  try {
    for (const { path, patch: text } of await workshop.differing((object) => object === "vmlinux")) {
      const [outcome] = await workshop.each(await workshop.changes([{ path, patch: text }]), () => undefined);
      if (outcome?.kind !== "made") continue;
      const patch = join(work, "difference.patch");
      await writeFile(patch, text, "latin1");
      return { file: path, patch };
    }
  } finally {
    workshop.close();
  }
  throw new Error(`no file of ${pair.from} and ${pair.to} can be brought to a running kernel`);
}

/** Returns the lines that a patch removes and adds. */
async function changedLines(patch: string): Promise<string> {
  const lines = (await readFile(patch, "latin1")).split("\n");
  return lines.filter((line) => /^[-+](?![-+])/.test(line)).join("\n");
}

async function create(pair: SourcePair, patch: string, output: string): Promise<string> {
  const image = join(pair.kernel.modules, "../../..");
  const inputs = [
    "--patch",
    patch,
    "--source",
    pair.sources.from,
    "--image",
    image,
    "--headers",
    pair.kernel.headers,
  ];
  const about = [
    "--id",
    ID,
    "--summary",
    "ext4: removing a file after its bitmaps left the cache does not oops",
  ];
  const args = [publisherBundle, "create", ...inputs, ...about, "--cache", pair.cache, "-o", output];
  const { stdout } = await run(process.execPath, args, { timeout: CREATE_TIMEOUT_MS, maxBuffer: 16 << 20 });
  return stdout;
}

async function boot(
  pair: SourcePair,
  { feed, work }: { readonly feed: string; readonly work: string },
  cleanup: (() => Promise<void>)[],
): Promise<Guest> {
  const disk = join(work, "ext4.disk");
  const file = openSync(disk, "w");
  ftruncateSync(file, DISK_BYTES);
  closeSync(file);
  const guest = await bootHost(pair.kernel, join(feed, "root", "1.root.json"), [], { disks: [disk] });
  cleanup.push(() => guest.close());
  return guest;
}

/** Makes the guest's kernel crash, as is expected. Returns the lines that the kernel printed. */
async function crash(guest: Guest): Promise<string> {
  const outcome = await guest.exec(TRIGGER, { timeoutMs: 120_000 }).then(
    ({ code, stdout }) => `exit code ${code}: ${stdout}`,
    () => undefined,
  );
  // The report goes on for a moment after the command has ended.
  for (let tries = 0; guest.crash() === undefined && tries < 100; tries++) await sleep(100);
  const report = guest.crash();
  assert(report !== undefined, `without the update the kernel is healthy: ${outcome}`);
  const lines = guest.console().split("\n");
  const told = lines.filter((line) => /BUG:|Oops|RIP: 0010:|Comm:/.test(line));
  assert(
    told.some((line) => line.includes("ext4_mb_")),
    `an oops elsewhere:\n${told.join("\n")}`,
  );
  return told.slice(0, 6).join("\n");
}

/**
 * Runs the command as systemd runs the unit when the timer elapses. Without INVOCATION_ID the command would wait a
 * random time first.
 */
async function timerRun(guest: Guest): Promise<string> {
  const command = ["node", CLIENT, "--quiet", "upgrade", "--scheduled"];
  const { code, stdout, stderr, ms } = await guest.exec(command, {
    timeoutMs: 120_000,
    env: { INVOCATION_ID: "0123456789abcdef0123456789abcdef" },
  });
  assert.equal(code, 0, `the timer's command ended with ${code}:\n${stderr}${stdout}`);
  return `# rebootless --quiet upgrade --scheduled   (${ms} ms)\n${stderr}${stdout}`;
}

async function mustRun(guest: Guest, show: Teller["show"], ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr, ms } = await rebootless(guest, ...args);
  show(`# rebootless ${args.join(" ")}   (${ms} ms)\n${stderr}${stdout}`);
  assert.equal(code, 0, `rebootless ${args.join(" ")} ended with ${code}`);
  return stdout;
}
