import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { SourcePair } from "../../test/proof/create/pair.ts";
import { publisherBundle } from "../../test/support/commands.ts";
import type { PublicFix } from "./public_fix.ts";
import type { Teller } from "./teller.ts";

/** Where the publisher of the demo works. */
interface DemoPlaces {
  readonly work: string;
  /** The publisher's folder, in `work`. */
  readonly feed: string;
  readonly url: string;
}

/** Makes an update of a fix for a kernel, tries it there, signs it, and pushes it to a feed. */
export async function publishFix(
  pair: SourcePair,
  fix: PublicFix,
  { work, feed, url }: DemoPlaces,
  teller: Teller,
): Promise<void> {
  const run = (...args: readonly string[]) => publisherCommand(teller, work, ...args);
  const draft = join("made", `${fix.id}.json`);

  teller.title("publisher: an update for one kernel, out of the patch and what Debian ships");
  const source = ["--source", pair.sources.from, "--image", pair.image, "--headers", pair.kernel.headers];
  const about = ["--id", fix.id, "--summary", fix.summary, "--cache", pair.cache, "-o", "made"];
  await run("create", "--patch", fix.patch, ...source, ...about);

  teller.title("publisher: try it on that kernel, in QEMU");
  const exercise = fix.reproducer === undefined ? [] : ["--exercise", fix.reproducer];
  await run("try", draft, "--image", pair.image, ...exercise);

  teller.title("publisher: sign what passed, and push it over HTTP");
  await run("push", feed, draft, "--module", "made", "--require-tried", "--feed", url);
}

/**
 * Runs a command of the publisher that has to succeed, and shows the command, its progress and its output.
 * @param cwd the folder in which it runs.
 */
export async function publisherCommand(
  teller: Teller,
  cwd: string,
  ...args: readonly string[]
): Promise<void> {
  teller.show(`# rebootless-publish ${args.map(shown).join(" ")}`);
  const child = spawn(process.execPath, [publisherBundle, ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const output of [child.stdout, child.stderr])
    createInterface({ input: output }).on("line", (line) => teller.show(line));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`rebootless-publish ${args[0]} ended with ${code}`);
}

/** A word of a command line, without the folders of paths that only this machine has. */
const shown = (word: string): string => {
  const short = word.startsWith("/") ? basename(word) : word;
  return short.includes(" ") ? `"${short}"` : short;
};
