import type { Context } from "../context.ts";
import { Keyring } from "../keys/keyring.ts";
import { type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";

/** What a command line says of how keys are opened. */
export type OpenKeysOptions = PassphraseOptions;

/** Opens the keys of a command, as its options say. Asks for nothing yet. */
export const keyringOf = ({ prompt }: Pick<Context, "prompt">, options: OpenKeysOptions): Keyring =>
  new Keyring(passphraseSource(options, prompt));
