import { RebootlessError } from "../../shared/errors.ts";
import type { PublisherContext } from "../context.ts";
import { openKeyFile, readKeyFile, rewriteKeyFile } from "../keys/key_file.ts";
import { newPassphrase, type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";
import { descriptorOf, passphraseFileName } from "../keys/passphrase_file.ts";
import { warnOpen } from "./keys_new.ts";

export interface KeysPasswdOptions extends PassphraseOptions {
  /** The file that holds the present passphrase. `passphraseFile` holds the new one. */
  readonly oldPassphraseFile?: string;
}

/** Changes or removes the passphrase of a key file. Copies of the old file still open with the old passphrase. */
export async function keysPasswd(
  context: PublisherContext,
  path: string,
  options: KeysPasswdOptions,
): Promise<void> {
  const { terminal, prompt } = context;
  const { oldPassphraseFile } = options;
  requireTwoPlaces(options);
  const old = oldPassphraseFile === undefined ? {} : { passphraseFile: oldPassphraseFile };
  const file = await readKeyFile(path);
  const key = await openKeyFile(file, path, passphraseSource(old, prompt));
  const passphrase = await newPassphrase(options, prompt);
  if (passphrase === undefined) warnOpen(context);
  await rewriteKeyFile(path, key, { passphrase, role: file.role });
  terminal.say(`secret     ${path}${passphrase === undefined ? ", not encrypted" : ", encrypted again"}`);
  terminal.say("Copies of the old file still open with the old passphrase.");
  terminal.result("keys passwd", { id: key.id, file: path, encrypted: passphrase !== undefined });
}

/** Refuses one descriptor for both passphrases, because what it holds can be read only once. */
function requireTwoPlaces({ oldPassphraseFile = "", passphraseFile = "" }: KeysPasswdOptions): void {
  const descriptor = descriptorOf(passphraseFile);
  if (descriptor === undefined || descriptor !== descriptorOf(oldPassphraseFile)) return;
  const name = passphraseFileName(passphraseFile);
  throw new RebootlessError("usage", `${name} cannot provide both the old and the new passphrase`, {
    hint: "Use another descriptor for one of them: /dev/fd/3.",
  });
}
