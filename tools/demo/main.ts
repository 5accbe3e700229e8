import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostProgramBundle, mustPublish } from "../../test/support/commands.ts";
import { type EdgeProcess, startEdge } from "../../test/support/edge_process.ts";
import type { Guest } from "../../test/support/guest/guest.ts";
import { findKernel, type Kernel } from "../../test/support/guest/machine.ts";
import { buildModule } from "../../test/support/guest/modules/build.ts";
import { bootHost, ROOT_IN_GUEST, rebootless } from "../../test/support/host.ts";
import { showRegression } from "./regression.ts";

/*
 * Shows the main job: a publisher makes an update for a stock kernel and pushes it through the real edge. A host that
 * runs this kernel finds the update, verifies it, matches it against its own memory, applies it and takes it out
 * again. Then the demo shows a regression of the distribution, and the update that the publisher makes from the
 * distribution's next source.
 */

const ID = "demo-cmdline-1";
const began = performance.now();

const elapsed = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
const title = (text: string) => process.stdout.write(`\n${elapsed().padStart(7)}  ${text}\n`);
const show = (text: string) => process.stdout.write(`${text.trimEnd().replace(/^/gm, "         ")}\n`);

async function main(pair: string, work: string, cleanup: (() => Promise<void>)[]): Promise<void> {
  const kernel = findKernel("primary");
  const feed = join(work, "feed");

  title("publisher: keys, and a root of trust of which 2 of 3 must sign");
  show(await mustPublish("init", feed, "--no-passphrase"));

  title("edge: the Worker in workerd, with R2 and Durable Objects on this machine");
  const edge = await startEdge(join(feed, "edge.vars"));
  cleanup.push(edge.stop);
  show(edge.url);

  await publishUpdate(kernel, work, feed, edge);
  const guest = await bootUnmodified(kernel, feed);
  cleanup.push(() => guest.close());
  await update(guest, guest.feedUrl(edge.port));
  await guest.close();
  await showRegression({ title, show }, pair, { work, feed, edge }, cleanup);
}

async function publishUpdate(kernel: Kernel, work: string, feed: string, edge: EdgeProcess): Promise<void> {
  title(`publisher: import the image of ${kernel.version}, as Debian ships it`);
  show(await mustPublish("inspect", kernel.vmlinuz));

  title("publisher: a livepatch module, and fingerprints of what it replaces");
  const module = await buildModule(kernel, "rebootless_demo_cmdline");
  const draft = join(work, "draft.json");
  const about = ["--id", ID, "--summary", "print a line of our own in /proc/cmdline"];
  show(await mustPublish("draft", "--image", kernel.vmlinuz, "--module", module, ...about, "-o", draft));

  title("publisher: sign, and push over HTTP");
  show(await mustPublish("push", feed, draft, "--module", module, "--feed", edge.url));
}

async function bootUnmodified(kernel: Kernel, feed: string): Promise<Guest> {
  title("host: boot that kernel, unmodified, in QEMU");
  const start = performance.now();
  const guest = await bootHost(kernel, join(feed, "root", "1.root.json"));
  show((await guest.mustExec(["uname", "-srvm"])).trim());
  const { size } = await stat(hostProgramBundle);
  show(`booted in ${Math.round(performance.now() - start)} ms; the client is one file of ${size} bytes`);
  return guest;
}

async function update(guest: Guest, feed: string): Promise<void> {
  const before = await guest.mustExec(["cat", "/proc/cmdline"]);

  title("host: set up, and look");
  await step(guest, "init", "--feed", feed, "--root", ROOT_IN_GUEST);
  await step(guest, "check");
  const again = await step(guest, "check");
  assert.match(again, /not changed/, "a second check asks once and hears that nothing changed");
  await step(guest, "upgrade", "--dry-run");
  assert.equal(await guest.mustExec(["cat", "/proc/cmdline"]), before, "a dry run changes nothing");

  title("host: upgrade, while it runs");
  show(`/proc/cmdline before:\n  ${before}`);
  await step(guest, "upgrade");
  const after = await guest.mustExec(["cat", "/proc/cmdline"]);
  show(`/proc/cmdline after:\n  ${after.trimEnd().replaceAll("\n", "\n  ")}`);
  assert.notEqual(after, before, "the behaviour changed");
  assert.match(await step(guest, "status"), new RegExp(`^applied +${ID}`, "m"));

  title("host: undo");
  await step(guest, "undo", ID);
  assert.equal(await guest.mustExec(["cat", "/proc/cmdline"]), before, "undo restores the behaviour");
  assert.match(await step(guest, "status"), new RegExp(`^available +${ID}`, "m"));
}

/** Runs one command in the guest, which has to succeed. */
async function step(guest: Guest, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr, ms } = await rebootless(guest, ...args);
  show(`# rebootless ${args.join(" ")}   (${ms} ms)`);
  show(`${stderr}${stdout}`);
  assert.equal(code, 0, `rebootless ${args[0]} ended with ${code}`);
  return stdout;
}

const work = await mkdtemp(join(tmpdir(), "rebootless-demo-"));
const cleanup: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
try {
  const [pair] = process.argv.slice(2);
  assert(pair !== undefined, "tools/setup.mjs says where the distribution's source is");
  await main(pair, work, cleanup);
  process.stdout.write(`\ndemo: ok in ${elapsed()}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.stdout.write("\ndemo: failed\n");
  process.exitCode = 1;
} finally {
  for (const end of cleanup.reverse()) await end();
}
