import { sha256Of } from "../../node/crypto.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { formatInstant } from "../../shared/time.ts";
import { inGroups } from "../../shared/tuf/key_words.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { writeEdgeVars } from "../feed/edge_vars.ts";
import {
  addRoot,
  keyFile,
  localKeys,
  openPublisherFolder,
  ownRootChain,
  type PublisherFolder,
  rootFile,
} from "../feed/publisher_folder.ts";
import { completed } from "../feed/request_signing.ts";
import { pushRoot } from "../feed/send.ts";
import { readKeyFile } from "../keys/key_file.ts";
import { readRoot } from "../keys/root.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import { readRootRequest } from "./request_file.ts";

export interface RootPublishOptions extends OpenKeysOptions {
  readonly feed?: string;
}

/**
 * Publishes a root that has enough signatures. The first root has no feed yet, so it is only written to the folder,
 * together with the edge's secrets.
 */
export async function rootPublish(
  context: PublisherContext,
  dir: string,
  file: string,
  options: RootPublishOptions,
): Promise<void> {
  const { terminal, clock } = context;
  const folder = await openPublisherFolder(dir, keyringOf(context, options));
  const held = (await ownRootChain(folder)).at(-1);
  const checked = await checkRequest(await readRootRequest(file), held, clock());
  requireFaultless(checked);
  const bytes = completed(checked);
  const root = await readRoot(bytes);
  if (held) await pushRoot(bytes, edgeClient(feedOf(options), folder, clock));
  else await writeFirstEdgeVars(folder, root, bytes);
  await addRoot(folder, root.version, bytes);
  const sha256 = sha256Of(bytes);
  terminal.say(`root       version ${root.version}, until ${formatInstant(root.expires)}`);
  terminal.say(`sha256     ${sha256}`);
  terminal.say(`           ${inGroups(sha256)}`);
  terminal.say(`stored as  ${rootFile(dir, root.version)}`);
  terminal.result("root publish", {
    version: root.version,
    expires: formatInstant(root.expires),
    root_sha256: sha256,
    file: rootFile(dir, root.version),
  });
}

function feedOf({ feed }: RootPublishOptions): string {
  if (feed !== undefined) return feed;
  throw new RebootlessError("usage", "no feed is given: use --feed URL");
}

/** Writes the edge's secrets. @throws RebootlessError `config` if the online keys were not made in this folder. */
async function writeFirstEdgeVars(folder: PublisherFolder, root: Root, bytes: Uint8Array): Promise<void> {
  const [snapshot] = await localKeys(folder, root, "snapshot");
  const [timestamp] = await localKeys(folder, root, "timestamp");
  if (!snapshot || !timestamp) {
    throw new RebootlessError(
      "config",
      `${folder.dir}/keys does not have the root's snapshot key or timestamp key`,
      {
        hint: "Publish the first root from the folder with the edge's keys, which `init --without-root` made.",
      },
    );
  }
  await writeEdgeVars(folder, bytes, {
    snapshot: await folder.keyring.secret(snapshot.path),
    timestamp: await folder.keyring.secret(timestamp.path),
    token: await readKeyFile(keyFile(folder.dir, "token")),
  });
}
