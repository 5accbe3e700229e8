import { RebootlessError } from "../../shared/errors.ts";
import { inGroups, named } from "../../shared/tuf/key_words.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import { addSignatures, requireUseful, signersOf } from "../feed/request_signing.ts";
import { isMet } from "../feed/signatures.ts";
import { type KeyFile, readKeyFile } from "../keys/key_file.ts";
import { consentLines, requireConsent } from "./consent.ts";
import { heldRoot } from "./held_root.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";
import { quorumLines, quorumsToJson, readRequest, rewriteRequest } from "./request_file.ts";

export interface SignOptions extends OpenKeysOptions {
  readonly key?: string;
  readonly root?: string;
  readonly yes: boolean;
  readonly status: boolean;
}

/** Shows what a signing request would change, asks, and adds a signature to it. It does not use the network. */
export async function sign(context: PublisherContext, path: string, options: SignOptions): Promise<void> {
  if (options.status) return status(context, path, options);
  if (options.key === undefined) throw new RebootlessError("usage", "no key is given: use --key FILE");
  const { terminal, clock } = context;
  const request = await readRequest(path);
  const before = await checkRequest(request, await heldRoot(options.root, options.key), clock());
  requireFaultless(before);
  const file = await readKeyFile(options.key);
  requireUseful(file.id, before.quorums);
  requireUnsigned(file, before.quorums);
  await requireConsent(context, before, options.yes);
  const key = await keyringOf(context, options).open(options.key);
  const signed = await addSignatures(request, before, [key]);
  const after = await checkRequest(signed, await heldRoot(options.root, options.key), clock());
  await rewriteRequest(path, signed);
  terminal.say(`signed     ${path} with ${inGroups(named(key.id, key.key))}`);
  for (const line of quorumLines(after.quorums)) terminal.say(line);
  terminal.result("sign", {
    file: path,
    key: key.id,
    changes: before.diff,
    warnings: before.warnings,
    quorums: quorumsToJson(after.quorums),
    complete: after.quorums.every(isMet),
  });
}

/** Shows what a signing request would change and who has signed it. It signs nothing. */
async function status(
  { terminal, clock }: PublisherContext,
  path: string,
  options: SignOptions,
): Promise<void> {
  const request = await readRequest(path);
  const held = await heldRoot(options.root, options.key);
  const [first] = request.roots;
  const { quorums, ...shown } = await checkRequest(request, held ?? first, clock());
  for (const line of consentLines(shown)) terminal.say(line);
  for (const line of quorumLines(quorums)) terminal.say(line);
  const unpinned = held === undefined && first !== undefined;
  if (unpinned) terminal.say("This was not checked: give --root to check it against a root that you hold.");
  terminal.result("sign", {
    file: path,
    changes: shown.diff,
    faults: shown.faults,
    warnings: shown.warnings,
    quorums: quorumsToJson(quorums),
    complete: quorums.every(isMet),
    checked_against_own_root: !unpinned,
  });
}

function requireUnsigned({ id }: KeyFile, quorums: Parameters<typeof signersOf>[0]): void {
  if (!signersOf(quorums).has(id)) return;
  throw new RebootlessError("usage", `key ${id} has already signed this`);
}
