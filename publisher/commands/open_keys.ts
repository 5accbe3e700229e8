import type { PublisherContext } from "../context.ts";
import { ExternalSigners } from "../keys/external_signer.ts";
import { Keyring } from "../keys/keyring.ts";
import { type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";

/** What a command line says of how keys are opened. */
export interface OpenKeysOptions extends PassphraseOptions {
  /** The program that signs with keys whose secret is kept elsewhere. */
  readonly signCommand?: string;
}

/** Opens the keys of a command, as its options say. Asks for nothing yet. */
export function keyringOf({ prompt, terminal }: PublisherContext, options: OpenKeysOptions): Keyring {
  const { signCommand: program } = options;
  const external = program === undefined ? undefined : { program, tell: terminal.notice };
  return new Keyring(passphraseSource(options, prompt), new ExternalSigners(external));
}
