import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPair } from "../../test/proof/create/pair.ts";
import { startEdge } from "../../test/support/edge_process.ts";
import { DemoHost } from "./host.ts";
import { publicFix } from "./public_fix.ts";
import { publisherCommand, publishFix } from "./publisher.ts";
import { Teller } from "./teller.ts";

/*
 * Shows the main job: a fix that the distribution has published becomes an update for the stock kernel of the step before,
 * is tried on that kernel, signed, and pushed through the real edge. A host that runs this kernel finds the update by its
 * timer, verifies it, matches it against its own memory and applies it, and takes it out again when it is told to.
 */

async function main(pairFile: string, work: string, cleanup: (() => Promise<void>)[]): Promise<void> {
  const pair = await readPair(pairFile);
  const feed = "feed";

  teller.title("publisher: keys, and a root of trust of which 2 of 3 must sign");
  await publisherCommand(teller, work, "init", feed, "--no-passphrase");

  teller.title("edge: the Worker in workerd, with R2 and Durable Objects on this machine");
  const edge = await startEdge(join(work, feed, "edge.vars"));
  cleanup.push(edge.stop);
  teller.show(edge.url);

  const fix = await publicFix(pair, work, teller);
  await publishFix(pair, fix, { work, feed, url: edge.url }, teller);

  const root = join(work, feed, "root/1.root.json");
  const host = await DemoHost.boot(pair, fix, { work, root }, teller);
  cleanup.push(() => host.close());
  await host.setUp(edge.port);
  await host.look();
  await host.takeUpdate();
  teller.show(`\n${teller.elapsed} after the start, a public fix is in a running kernel.`);
  await host.showUpdate();
  if (fix.reproducer !== undefined) await host.survive(fix.reproducer);
  await host.undo();
  if (fix.reproducer !== undefined) await host.crash(fix.reproducer);
}

const teller = new Teller();
const work = await mkdtemp(join(tmpdir(), "rebootless-demo-"));
const cleanup: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
try {
  const [pair] = process.argv.slice(2);
  assert(pair !== undefined, "tools/setup.mjs says where the distribution's source is");
  await main(pair, work, cleanup);
  process.stdout.write(`\ndemo: ok in ${teller.elapsed}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.stdout.write("\ndemo: failed\n");
  process.exitCode = 1;
} finally {
  for (const end of cleanup.reverse()) await end();
}
