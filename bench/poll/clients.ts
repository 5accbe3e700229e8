import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { BuildId } from "../../shared/brand.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import type { Scheme } from "./server.ts";

/** A program that polls the feed. Its commands are arguments of node. */
export interface Client {
  readonly name: string;
  readonly scheme: Scheme;
  /** The command that is run once before the first poll, if there is one. */
  readonly setUp?: readonly string[];
  readonly poll: readonly string[];
}

/** What a client polls, and where it may keep its state. */
export interface Setting {
  readonly scheme: Scheme;
  readonly url: string;
  readonly buildId: BuildId;
  readonly rootFile: string;
  readonly work: string;
}

/** Our client, out of a folder of bundles. */
export async function rebootless(
  { scheme, url, rootFile, work }: Setting,
  { name, dist }: { readonly name: string; readonly dist: string },
): Promise<Client> {
  const places = join(work, scheme, name.replaceAll("/", "_"));
  await mkdir(places, { recursive: true });
  const folders = ["etc", "state", "run"].map((folder) => join(places, folder));
  const options = ["--config-dir", "--state-dir", "--run-dir"].flatMap((option, i) => [
    option,
    folders[i] ?? "",
  ]);
  const command = [join(dist, "rebootless.cjs"), ...options, "--quiet"];
  return {
    name,
    scheme,
    setUp: [...command, "init", "--offline", "--feed", url, "--root", rootFile],
    poll: [...command, "check"],
  };
}

/** The peer, bundled as our client is. */
export async function tufJs({ scheme, url, buildId, rootFile, work }: Setting): Promise<Client> {
  const outfile = join(work, "tuf_js.mjs");
  await build({
    entryPoints: [join(projectRoot, "bench/poll/tuf_js.ts")],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const poll = [
    outfile,
    join(work, scheme, "tuf-js"),
    `${url}kernels/${buildId}`,
    manifestTarget(buildId),
    rootFile,
  ];
  return { name: "tuf-js", scheme, poll };
}
