import { readFile, stat } from "node:fs/promises";
import type { Terminal } from "../../node/cli/terminal.ts";
import {
  configFile,
  feedUrl,
  foldersOf,
  type Places,
  provisionedRootFile,
} from "../../node/config/config.ts";
import { sha256Of } from "../../node/crypto.ts";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import { requireOwnFolders } from "../../node/own_folders.ts";
import { nodeVerifier } from "../../node/verifier.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { formatInstant } from "../../shared/time.ts";
import { inGroups } from "../../shared/tuf/key_words.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import { roleOf, selfSignedRoot } from "../../shared/tuf/trusted_set.ts";
import { withFeed } from "../config/feed_line.ts";
import type { Context } from "../context.ts";
import { type FirstAnswer, firstQuestion } from "./first_question.ts";

export interface InitOptions {
  readonly feed: string;
  /** The path of the root of trust, which the administrator got from the publisher in a way that can be trusted. */
  readonly root: string;
  readonly force?: boolean;
  /** Whether the feed is not contacted; for images and packages. */
  readonly offline?: boolean;
}

/**
 * Sets a host up with its feed and its root of trust. The feed is polled once, and nothing is set up unless its answer
 * verifies, or it has nothing for this kernel.
 */
export async function init(context: Context, options: InitOptions): Promise<void> {
  const { places, terminal, lock } = context;
  requireOwnFolders(foldersOf(places));
  const feed = feedUrl(options.feed);
  const bytes = await readRoot(options.root);
  const root = await verifiedRoot(bytes, options.root);
  await lock.take();
  const config = withFeed(await configText(places), feed, configFile(places));
  await refuseToReplace(provisionedRootFile(places), bytes, options.force ?? false);
  const setUp = { feed, root: bytes, rootVersion: root.version };
  const answer = options.offline ? undefined : await firstQuestion(context, setUp);
  await writeDurably(provisionedRootFile(places), bytes);
  await writeDurably(configFile(places), config, await modeOf(configFile(places)));

  const fingerprint = sha256Of(bytes);
  const { threshold, keyIds } = roleOf(root, "root");
  terminal.say(`feed     ${feed}`);
  terminal.say(
    `root     version ${root.version}, ${threshold} of ${counted(keyIds.length, "key")}, until ${formatInstant(root.expires)}`,
  );
  terminal.say(`sha256   ${fingerprint}`);
  terminal.say(`         ${inGroups(fingerprint)}`);
  if (answer) tell(terminal, answer);
  terminal.say("Compare the sha256 with what the publisher announces, then run `rebootless check`.");
  terminal.result("init", {
    feed,
    root_version: root.version,
    root_sha256: fingerprint,
    asked: answer !== undefined,
    covered: answer && answer.kind === "covered",
    updates: answer?.kind === "covered" ? answer.polled.manifest.updates.length : undefined,
  });
}

function tell(terminal: Terminal, answer: FirstAnswer): void {
  if (answer.kind === "covered") {
    const { manifest, expires } = answer.polled;
    const { length } = manifest.updates;
    const updates = `${counted(length, "update")} for this kernel`;
    terminal.say(`asked    ${updates}, verified until ${formatInstant(expires)}`);
    return;
  }
  const { message, hint } = answer.why;
  terminal.say("asked    nothing for this kernel yet");
  terminal.notice(`warning: ${message}`);
  if (hint) terminal.notice(`hint: ${hint}`);
}

/** Returns the mode of the file that is replaced. It may contain a password of a proxy, so the mode is preserved. */
const modeOf = async (path: string): Promise<number | undefined> => {
  const found = await stat(path).catch(() => undefined);
  return found && found.mode & 0o777;
};

/** Reads the configuration file, whose other lines are the administrator's or the package's. */
async function configText(places: Places): Promise<string> {
  const bytes = await readIfPresent(configFile(places));
  return bytes ? Buffer.from(bytes).toString() : "";
}

async function readRoot(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= MAX_ROOT_BYTES) return bytes;
  } catch (cause) {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  }
  throw new RebootlessError("usage", `${path} is too large for a root of trust`);
}

/** Verifies that a root is signed by itself, so that a damaged file is found now and not at the first poll. */
async function verifiedRoot(bytes: Uint8Array, path: string): Promise<Root> {
  try {
    return await selfSignedRoot(bytes, nodeVerifier);
  } catch (cause) {
    throw new RebootlessError("trust", `${path} does not verify as a root of trust`, {
      cause,
      hint: "Get it from the publisher again, and compare its sha256 with the one that is announced.",
    });
  }
}

async function refuseToReplace(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  const present = await readIfPresent(path);
  if (!present || force || Buffer.compare(present, bytes) === 0) return;
  throw new RebootlessError("config", `${path} contains a different root of trust`, {
    hint: "If you replace it, this host trusts somebody else. Use --force if you want that.",
  });
}
