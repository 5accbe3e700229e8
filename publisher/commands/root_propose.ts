import { writeNew } from "../../node/cli/output.ts";
import { readNamed } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { MAX_ROOT_ROTATIONS } from "../../shared/limits.ts";
import { formatInstant, type Instant, instant } from "../../shared/time.ts";
import { rootDocument } from "../../shared/tuf/metadata.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import type { PublisherContext } from "../context.ts";
import { checkRequest } from "../feed/check_request.ts";
import { unsigned } from "../feed/proposal.ts";
import { ownRootChain, readPublisherFolder } from "../feed/publisher_folder.ts";
import { encodeRequest, type RootRequest } from "../feed/signing_request.ts";
import { parseExpiry } from "../keys/expiry.ts";
import { decodeKeyFacts, readKeyFile } from "../keys/key_file.ts";
import { ROOT_LIFETIME_MS, readRoot } from "../keys/root.ts";
import { changedRoot, type RootChange } from "../keys/root_change.ts";
import { rootFaults, sharedKeys } from "../keys/root_faults.ts";
import type { OfRole, OwnerOf } from "./arguments.ts";
import { consentLines } from "./consent.ts";
import { quorumLines, quorumsToJson } from "./request_file.ts";

export interface RootChangeOptions {
  readonly addKey: readonly OfRole[];
  readonly removeKey: readonly OfRole[];
  readonly threshold: readonly OfRole[];
  readonly owner: readonly OwnerOf[];
  readonly expires?: string;
  readonly allowSharedKeys: boolean;
}

export interface RootProposeOptions extends RootChangeOptions {
  readonly output: string;
}

/** Makes a signing request for the next root, or for the first one if the folder has no root. It signs nothing. */
export async function rootPropose(
  { terminal, clock }: PublisherContext,
  dir: string,
  options: RootProposeOptions,
): Promise<void> {
  await readPublisherFolder(dir);
  const { request, next } = await proposedRoot(dir, options, clock());
  const held = request.roots.at(-1);
  const { quorums, ...shown } = await checkRequest(request, held, clock());
  await writeNew(options.output, encodeRequest(request));
  for (const line of [...consentLines(shown), ...quorumLines(quorums)]) terminal.say(line);
  terminal.say(`request    ${options.output}: each signer runs \`sign\` on it, then run \`root publish\``);
  terminal.result("root propose", {
    request: options.output,
    version: next.version,
    expires: formatInstant(next.expires),
    changes: shown.diff,
    warnings: shown.warnings,
    quorums: quorumsToJson(quorums),
  });
}

/**
 * Makes the request for the changed root.
 * @throws RebootlessError `usage` if the root would be invalid, or if one key would be in both an offline and an online
 * role and that was not allowed.
 */
export async function proposedRoot(
  dir: string,
  options: RootChangeOptions,
  now: Instant,
): Promise<{ readonly request: RootRequest; readonly next: Root }> {
  const roots = (await ownRootChain({ dir })).slice(-MAX_ROOT_ROTATIONS);
  const newest = roots.at(-1);
  const base = newest && (await readRoot(newest));
  const next = changedRoot(base, await changeOf(options, now));
  const shared = options.allowSharedKeys ? [] : sharedKeys(next);
  const [fault] = [...rootFaults(next, now), ...shared];
  if (fault !== undefined) {
    throw new RebootlessError("usage", fault, {
      ...(fault === shared[0] && { hint: "Make another key, or give --allow-shared-keys." }),
    });
  }
  const metadata = unsigned(rootDocument(next));
  return { request: { kind: "root", roots, metadata }, next };
}

async function changeOf(options: RootChangeOptions, now: Instant): Promise<RootChange> {
  const added = options.addKey.map(async ({ role, value }) => ({ role, key: await keyFacts(value) }));
  return {
    add: await Promise.all(added),
    remove: options.removeKey.map(({ role, value }) => ({ role, keyId: value })),
    thresholds: new Map(options.threshold.map(({ role, value }) => [role, thresholdOf(value)])),
    owners: options.owner,
    expires:
      options.expires === undefined ? instant(now + ROOT_LIFETIME_MS) : parseExpiry(options.expires, now),
  };
}

const MAX_PUBLIC_KEY_BYTES = 16 * 1024;

/** Reads a file of a public key. A key file is accepted too, if no other user can read it. */
async function keyFacts(path: string) {
  const bytes = await readNamed(path, MAX_PUBLIC_KEY_BYTES);
  return bytes.includes(0) || !new TextDecoder().decode(bytes).includes('"private"')
    ? decodeKeyFacts(bytes, path)
    : readKeyFile(path);
}

function thresholdOf(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new RebootlessError("usage", `not a threshold: ${JSON.stringify(text.slice(0, 40))}`);
}
