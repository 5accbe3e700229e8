import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { metadataFolder } from "../../../client/trust/metadata_folder.ts";
import { readIfPresent, writeDurably } from "../../../node/files.ts";
import { httpFeed } from "../../../node/transport/http_feed.ts";
import { nodeVerifier } from "../../../node/verifier.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { systemClock } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { refresh } from "../../../shared/tuf/refresh.ts";
import { selfSignedRoot } from "../../../shared/tuf/trusted_set.ts";
import { targetFolder } from "./target_folder.ts";
import { fetchTarget } from "./tuf/fetch_target.ts";
import { findTarget } from "./tuf/find_target.ts";
import { tufMetadata, tufTargets } from "./tuf_urls.ts";

/*
 * The command line that tuf-conformance drives (its CLIENT-CLI.md), around what the host runs: the feed, the
 * stores and the client workflow are the host's, and nothing is decided here.
 */

const OPTIONS = {
  "metadata-dir": { type: "string" },
  "metadata-url": { type: "string" },
  "target-name": { type: "string", multiple: true },
  "target-dir": { type: "string" },
  "target-base-url": { type: "string" },
} as const;

const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });

function given(name: Exclude<keyof typeof OPTIONS, "target-name">): string {
  const value = values[name];
  if (value === undefined) throw new RebootlessError("usage", `--${name} is missing`);
  return value;
}

const baseUrl = (url: string): string => (url.endsWith("/") ? url : `${url}/`);

/** Apart from the metadata that refreshes write: a corrupt root.json is replaced from here. */
const provisionedRootFile = () => join(given("metadata-dir"), "provisioned", "root.json");

async function init(rootFile: string | undefined): Promise<void> {
  if (rootFile === undefined) throw new RebootlessError("usage", "which root is to be trusted?");
  const bytes = await readFile(rootFile);
  await selfSignedRoot(bytes, nodeVerifier);
  await writeDurably(provisionedRootFile(), bytes);
  await metadataFolder(given("metadata-dir")).write("root", bytes);
}

async function update() {
  const provisionedRoot = await readIfPresent(provisionedRootFile());
  if (!provisionedRoot) throw new RebootlessError("config", "no root is trusted yet: run init");
  const source = tufMetadata(httpFeed(baseUrl(given("metadata-url"))));
  const store = metadataFolder(given("metadata-dir"));
  const onDamage = (role: string) => console.error(`note: the cached ${role} is damaged and was passed over`);
  const trusted = await refresh({
    source,
    store,
    provisionedRoot,
    verifier: nodeVerifier,
    expiry: enforcedAt(systemClock()),
    onDamage,
  });
  return { trusted, source, store, onDamage };
}

async function download(): Promise<void> {
  const [targetDir, targetUrl] = [given("target-dir"), given("target-base-url")];
  const { trusted, ...metadata } = await update();
  const targets = { source: tufTargets(httpFeed(baseUrl(targetUrl))), store: targetFolder(targetDir) };
  for (const name of values["target-name"] ?? []) {
    const file = await findTarget(trusted, name, metadata);
    if (!file) throw new RebootlessError("trust", `no target ${JSON.stringify(name)} is signed for`);
    await fetchTarget(trusted, name, file, targets);
  }
}

const commands = new Map<string, () => Promise<unknown>>([
  ["init", () => init(positionals[1])],
  ["refresh", update],
  ["download", download],
]);

async function main(): Promise<void> {
  const command = commands.get(positionals[0] ?? "");
  if (!command) throw new RebootlessError("usage", `one of: ${[...commands.keys()].join(", ")}`);
  await command();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
