import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Entry, KernelFeed } from "../../support/kernel_feed.ts";
import type { TestModules } from "./modules.ts";

/**
 * The publisher at work while the tests run: before a script loads a live patch it asks for the update of it, and has
 * it published in the build that the step wants.
 */
export interface TestFeed {
  readonly port: number;
  close(): void;
}

/** These are atomic replaces as they are built; others are when a parameter says so. */
const ALWAYS_REPLACE: ReadonlySet<string> = new Set(["test_klp_state", "test_klp_state2", "test_klp_state3"]);

/** A build of a live patch. */
interface Build {
  readonly name: string;
  readonly parameters: string;
  readonly path: string;
}

export async function serveTestFeed(feed: KernelFeed, modules: TestModules): Promise<TestFeed> {
  const builds = await livePatches(modules);
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://publisher/");
    const [module, parameters] = [searchParams.get("module") ?? "", searchParams.get("parameters") ?? ""];
    publish(feed, builds, module, parameters).then(
      () => response.end("published\n"),
      (error: unknown) => response.writeHead(500).end(`${error}\n`),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function livePatches({ plain, variants }: TestModules): Promise<readonly Build[]> {
  const all = [...plain].map(([name, path]) => ({ name, parameters: "", path }));
  const isLivepatch = await Promise.all(
    all.map(async ({ path }) => (await readFile(path)).includes("\0livepatch=Y\0")),
  );
  return [...all.filter((_, index) => isLivepatch[index]), ...variants];
}

/** Puts a build of a live patch into the feed, beside the plain builds of all others. */
async function publish(
  feed: KernelFeed,
  builds: readonly Build[],
  name: string,
  asked: string,
): Promise<void> {
  const parameters = asked === "replace=0" ? "" : asked; // what it is without being told
  const wanted = builds.find((build) => build.name === name && build.parameters === parameters);
  if (wanted === undefined) throw new Error(`no build of ${name} has ${parameters}`);
  const others = builds.filter((build) => build.name !== name && build.parameters === "");
  const entries = others.map(entryOf);
  // What takes all others out supersedes them, or no host would let it.
  const superseding = isReplace(wanted) ? { supersedes: entries.map(({ id }) => id) } : {};
  await feed.set([{ ...entryOf(wanted), ...superseding }, ...entries]);
}

const isReplace = ({ name, parameters }: Build): boolean =>
  ALWAYS_REPLACE.has(name) || parameters === "replace=1";

const entryOf = (build: Build): Entry => ({
  id: build.name.replaceAll("_", "-"),
  module: build.path,
  replace: isReplace(build),
});
