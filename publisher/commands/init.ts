import { writeNew } from "../../node/cli/output.ts";
import { sha256Of } from "../../node/crypto.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { formatInstant, instant } from "../../shared/time.ts";
import { inGroups } from "../../shared/tuf/key_words.ts";
import type { PublisherContext } from "../context.ts";
import { writeEdgeVars } from "../feed/edge_vars.ts";
import { addRoot, createPublisherFolder, edgeVarsFile, keyFile, rootFile } from "../feed/publisher_folder.ts";
import { encodePublicKey, type KeyRole, newKey, type SigningKey, writeKeyFile } from "../keys/key_file.ts";
import { newPassphrase, type PassphraseOptions } from "../keys/passphrase.ts";
import { firstRoot, ROOT_LIFETIME_MS } from "../keys/root.ts";
import { warnOpen } from "./keys_new.ts";

export interface InitCommandOptions extends PassphraseOptions {
  readonly publisher: string;
  readonly audience: string;
  /** The number of signatures that root and targets each need. */
  readonly threshold: number;
  /** The name of the person whose keys they are. */
  readonly owner?: string;
  readonly keys: number;
  /** True if other people hold the root and targets keys. `root propose` then makes the first root. */
  readonly withoutRoot: boolean;
}

/** Makes a feed's keys, its root of trust and the edge's secrets in a new folder. It does not use the network. */
export async function init(
  context: PublisherContext,
  dir: string,
  options: InitCommandOptions,
): Promise<void> {
  const { terminal, clock, prompt } = context;
  const { publisher, audience, threshold, keys } = options;
  if (threshold > keys)
    throw new RebootlessError("usage", `a threshold of ${threshold} needs at least ${threshold} keys`);
  const passphrase = await newPassphrase(options, prompt);
  await createPublisherFolder({ dir, publisher, audience });
  if (passphrase === undefined) warnOpen(context);

  const make = (role: KeyRole, name: string) =>
    makeKey(dir, role, name, { passphrase, owner: options.owner });
  const online = {
    snapshot: await make("snapshot", "snapshot-1"),
    timestamp: await make("timestamp", "timestamp-1"),
    token: await make("token", "token"),
  };
  const at = `${dir}/keys, ${passphrase === undefined ? "not encrypted" : "encrypted with your passphrase"}`;
  if (options.withoutRoot) {
    terminal.say(`keys       ${at}: snapshot, timestamp, token`);
    terminal.say("Next, add the public keys of the others: rebootless-publish root propose --add-key …");
    return terminal.result("init", { dir, encrypted: passphrase !== undefined });
  }
  const root = await several(keys, (n) => make("root", `root-${n}`));
  const targets = await several(keys, (n) => make("targets", `targets-${n}`));
  const bytes = firstRoot(
    {
      keys: { root, targets, snapshot: [online.snapshot], timestamp: [online.timestamp] },
      thresholds: { root: threshold, targets: threshold, snapshot: 1, timestamp: 1 },
    },
    clock,
  );
  await addRoot({ dir }, 1, bytes);
  await writeEdgeVars({ dir, publisher, audience }, bytes, online);

  const fingerprint = sha256Of(bytes);
  terminal.say(`root       ${rootFile(dir, 1)}, until ${formatInstant(instant(clock() + ROOT_LIFETIME_MS))}`);
  terminal.say(`sha256     ${fingerprint}`);
  terminal.say(`           ${inGroups(fingerprint)}`);
  terminal.say(`threshold  ${threshold} of ${keys} for root and for targets`);
  terminal.say(`keys       ${at}`);
  terminal.say(`edge       ${edgeVarsFile(dir)} holds the secrets of the Worker, not encrypted`);
  terminal.say(
    "Announce the sha256, give hosts the root file, and move the root keys to separate places off this machine.",
  );
  const encrypted = passphrase !== undefined;
  terminal.result("init", { dir, root_sha256: fingerprint, threshold, keys, encrypted });
}

interface NewKey {
  readonly passphrase: string | undefined;
  readonly owner: string | undefined;
}

async function makeKey(dir: string, role: KeyRole, name: string, { passphrase, owner }: NewKey) {
  const key = await newKey(owner);
  const path = keyFile(dir, name);
  await writeKeyFile(path, key, { passphrase, role });
  await writeNew(`${path}.pub`, encodePublicKey({ key: key.key, role }));
  return key;
}

/** Makes the keys one after the other, because encrypting each of them takes 128 MB of memory. */
async function several(count: number, make: (n: number) => Promise<SigningKey>): Promise<SigningKey[]> {
  const made: SigningKey[] = [];
  for (let n = 1; n <= count; n++) made.push(await make(n));
  return made;
}
