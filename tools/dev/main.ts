import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { feedPath } from "../../shared/feed/paths.ts";
import { mustPublish } from "../../test/support/commands.ts";
import { freePort, startEdge } from "../../test/support/edge_process.ts";
import { writeSamples } from "./sample.ts";

/*
 * npm run dev [-- --port N]
 *
 * Starts the edge in workerd with sample content: a root of trust made for this run, a publisher, and a few kernels
 * with updates, which are published in the usual way. wrangler builds the Worker again when its sources change.
 * Everything is in a folder of its own, which is removed at the end. .dev.vars is not read.
 */

const { values } = parseArgs({ options: { port: { type: "string" } } });
const USUAL_PORT = 8787;

/** Returns the port that was asked for. By default it is the usual one, or a free one if the usual one is in use. */
async function portToUse(): Promise<number> {
  if (values.port === undefined) return freePort(USUAL_PORT).catch(() => freePort());
  return freePort(Number(values.port)).catch((cause: Error) => {
    throw new Error(`cannot listen at port ${values.port}: ${cause.message}`, { cause });
  });
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const progress = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(work: string, stopped: Promise<void>, cleanup: (() => Promise<void>)[]): Promise<void> {
  const publisher = join(work, "publisher");
  await mustPublish("init", publisher, "--publisher", "demo", "--no-passphrase");
  progress("starting the edge");
  const edge = await startEdge(join(publisher, "edge.vars"), await portToUse());
  cleanup.push(edge.stop);
  const drafts = await writeSamples(join(work, "drafts"));
  for (const { draft, modules } of drafts) {
    progress(`publishing ${draft}`);
    const named = modules.flatMap((module) => ["--module", module]);
    await mustPublish("push", publisher, draft, ...named, "--feed", edge.url);
  }
  say(`edge       ${edge.url}`);
  for (const { buildId, uname } of drafts) {
    say(`kernel     ${uname}`);
    say(`feed       ${edge.url}${feedPath(buildId)}`);
  }
  say(
    `publisher  ${publisher}, its keys open: rebootless-publish push ${publisher} DRAFT --feed ${edge.url}`,
  );
  say("Ctrl-C ends it and removes all of it.");
  await stopped;
}

/** Ctrl-C can send several of these signals: one from the terminal, one from the program that started this one. */
const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => resolve());
});
const work = await mkdtemp(join(tmpdir(), "rebootless-dev-"));
const cleanup: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
try {
  await Promise.race([main(work, stopped, cleanup), stopped]);
} catch (error) {
  progress(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const end of cleanup.reverse()) await end();
}
