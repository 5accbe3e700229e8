import type { Context } from "../context.ts";
import { openKeyFile, readKeyFile, rewriteKeyFile } from "../keys/key_file.ts";
import { newPassphrase, type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";
import { warnOpen } from "./keys_new.ts";

export interface KeysPasswdOptions extends PassphraseOptions {
  /** Holds the passphrase so far; `passphraseFile` the new one. */
  readonly oldPassphraseFile?: string;
}

/** Gives a key file another passphrase, or none. Copies of the old file still open with the old one. */
export async function keysPasswd(context: Context, path: string, options: KeysPasswdOptions): Promise<void> {
  const { terminal, prompt } = context;
  const { oldPassphraseFile } = options;
  const old = oldPassphraseFile === undefined ? {} : { passphraseFile: oldPassphraseFile };
  const file = await readKeyFile(path);
  const key = await openKeyFile(file, path, passphraseSource(old, prompt));
  const passphrase = await newPassphrase(options, prompt);
  if (passphrase === undefined) warnOpen(context);
  await rewriteKeyFile(path, key, { passphrase, role: file.role });
  terminal.say(`secret     ${path}${passphrase === undefined ? ", not encrypted" : ", encrypted anew"}`);
  terminal.say("Copies of the old file still open with the old passphrase.");
  terminal.result("keys passwd", { id: key.id, file: path, encrypted: passphrase !== undefined });
}
