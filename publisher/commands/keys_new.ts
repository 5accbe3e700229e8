import { requireAbsent, writeNew } from "../../node/cli/output.ts";
import { inGroups, named } from "../../shared/tuf/key_words.ts";
import type { PublisherContext } from "../context.ts";
import { encodePublicKey, type KeyRole, newKey, writeKeyFile } from "../keys/key_file.ts";
import { newPassphrase, type PassphraseOptions } from "../keys/passphrase.ts";

export interface KeysNewOptions extends PassphraseOptions {
  readonly role?: KeyRole;
  readonly owner?: string;
}

/** Makes a key file and, beside it, a file of the public part for others. It does not use the network. */
export async function keysNew(
  context: PublisherContext,
  path: string,
  options: KeysNewOptions,
): Promise<void> {
  const { terminal, prompt } = context;
  const publicFile = `${path}.pub`;
  await requireAbsent(path, publicFile);
  const passphrase = await newPassphrase(options, prompt);
  if (passphrase === undefined) warnOpen(context);
  const { role, owner } = options;
  const key = await newKey(owner);
  await writeKeyFile(path, key, { passphrase, role });
  await writeNew(publicFile, encodePublicKey({ key: key.key, role }));
  terminal.say(`key        ${inGroups(named(key.id, key.key))}`);
  terminal.say(`secret     ${path}${passphrase === undefined ? ", not encrypted" : ", encrypted"}`);
  terminal.say(`public     ${publicFile}`);
  terminal.result("keys new", {
    id: key.id,
    scheme: key.key.scheme,
    public: key.key.public,
    role,
    owner,
    encrypted: passphrase !== undefined,
    file: path,
    public_file: publicFile,
  });
}

/** Warns that a key is not encrypted. Neither --quiet nor --json holds this warning back. */
export function warnOpen({ warn }: PublisherContext): void {
  warn("not encrypted: everybody who can read the file, or a backup of it, can sign");
}
