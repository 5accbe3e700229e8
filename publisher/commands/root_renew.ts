import { formatInstant } from "../../shared/time.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { addRoot, newestOwnRoot, openPublisherFolder, roleKeys } from "../feed/publisher_folder.ts";
import { addSignatures, completed } from "../feed/request_signing.ts";
import { pushRoot } from "../feed/send.ts";
import { readRoot } from "../keys/root.ts";
import { consentOrUnattended } from "./consent.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import { proposedRoot } from "./root_propose.ts";

export interface RootRenewOptions extends OpenKeysOptions {
  readonly feed: string;
  readonly expires?: string;
  readonly yes: boolean;
}

/**
 * Proposes, signs and publishes the next root in one go. It has the same keys and a new expiry, and is signed with the
 * keys in the folder.
 */
export async function rootRenew(
  context: PublisherContext,
  dir: string,
  options: RootRenewOptions,
): Promise<void> {
  const { terminal, clock } = context;
  const folder = await openPublisherFolder(dir, keyringOf(context, options));
  const held = await newestOwnRoot(folder);
  const { request } = await proposedRoot(dir, { ...NO_CHANGE, ...options }, clock());
  const proposal = await checkRequest(request, held, clock());
  await consentOrUnattended(context, proposal, options.yes);
  const keys = await roleKeys(folder, await readRoot(held), "root");
  const signed = await addSignatures(request, proposal, keys);
  const bytes = completed(await checkRequest(signed, held, clock()));
  const renewed = await readRoot(bytes);
  await pushRoot(bytes, edgeClient(options.feed, folder, clock));
  await addRoot(folder, renewed.version, bytes);
  terminal.say(`root       version ${renewed.version}, until ${formatInstant(renewed.expires)}`);
  terminal.result("root renew", { version: renewed.version, expires: formatInstant(renewed.expires) });
}

/** The options of a root with the same keys. A key that is in both an offline and an online role already may stay. */
const NO_CHANGE = { addKey: [], removeKey: [], threshold: [], owner: [], allowSharedKeys: true };
