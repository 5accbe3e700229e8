import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeManifest, encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Publication } from "../e2e/publication.ts";
import type { Kernel } from "../guest/machine.ts";
import { mustPublish } from "../support/commands.ts";
import type { TestModules } from "./modules.ts";

/**
 * The publisher at work while the tests run: before a script loads a module it asks for the update of it, and gets it
 * published in the build that the step wants. An atomic replace supersedes all others, as one that takes them out must.
 */
export interface TestFeed {
  readonly port: number;
  close(): Promise<void>;
}

/** These are atomic replaces as they are built; the others are when a parameter says so. */
const ALWAYS_REPLACE: ReadonlySet<string> = new Set(["test_klp_state", "test_klp_state2", "test_klp_state3"]);

/** A build of a module, and the draft of an update of it. */
interface Build {
  readonly name: string;
  readonly parameters: string;
  readonly path: string;
  readonly replace: boolean;
  readonly draft: KernelManifest;
}

export async function serveTestFeed(
  publication: Publication,
  kernel: Kernel,
  modules: TestModules,
): Promise<TestFeed> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-selftests-"));
  const builds = await draftAll(kernel, modules, work);
  const publish = publisher(publication, builds, work);
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://publisher/");
    publish(searchParams.get("module") ?? "", searchParams.get("parameters") ?? "").then(
      () => response.end("published\n"),
      (error: unknown) => response.writeHead(500).end(`${error}\n`),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await rm(work, { recursive: true, force: true });
    },
  };
}

async function draftAll(kernel: Kernel, modules: TestModules, work: string): Promise<readonly Build[]> {
  const plain = [...modules.plain].map(([name, path]) => ({ name, parameters: "", path }));
  const builds: Build[] = [];
  for (const { name, parameters, path } of [...plain, ...modules.variants]) {
    if (!(await isLivepatch(path))) continue;
    const file = join(work, `${builds.length}.json`);
    const about = ["--id", idOf(name), "--summary", `${name} ${parameters}`.trim()];
    const targets = [...modules.plain.values()].flatMap((target) => ["--target", target]);
    await mustPublish("draft", "--image", kernel.vmlinuz, "--module", path, ...targets, ...about, "-o", file);
    const replace = ALWAYS_REPLACE.has(name) || parameters === "replace=1";
    builds.push({ name, parameters, path, replace, draft: decodeManifest(await readFile(file)) });
  }
  return builds;
}

const idOf = (module: string): string => module.replaceAll("_", "-");

const isLivepatch = async (path: string): Promise<boolean> =>
  (await readFile(path)).includes("\0livepatch=Y\0");

/** Puts a build of a module into the feed, beside the plain builds of all others. */
function publisher(publication: Publication, builds: readonly Build[], work: string) {
  let inForce: readonly Build[] = [];
  return async (name: string, asked: string): Promise<void> => {
    const parameters = asked === "replace=0" ? "" : asked; // what it is without being told
    const wanted = builds.find((build) => build.name === name && build.parameters === parameters);
    if (wanted === undefined) throw new Error(`no build of ${name} has ${parameters}`);
    const others = builds.filter((build) => build.name !== name && build.parameters === "");
    const draft = join(work, "draft.json");
    await writeFile(draft, encodeManifest(manifestOf(wanted, others)));
    const sent = inForce.includes(wanted) ? [] : [wanted, ...others].map(({ path }) => path);
    const send = sent.flatMap((path) => ["--module", path]);
    const { dir, edge } = publication;
    await mustPublish("push", dir, draft, "--replace", ...send, "--feed", edge.url);
    inForce = [wanted, ...others];
  };
}

function manifestOf(wanted: Build, others: readonly Build[]): KernelManifest {
  const replaced = others.flatMap(({ draft }) => draft.updates.map(({ id }) => id));
  const supersedes = wanted.replace ? replaced : [];
  return {
    ...wanted.draft,
    updates: [
      ...wanted.draft.updates.map((update) => ({ ...update, replace: wanted.replace, supersedes })),
      ...others.flatMap(({ draft, replace }) => draft.updates.map((update) => ({ ...update, replace }))),
    ],
  };
}
