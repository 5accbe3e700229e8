import type { PublisherContext } from "../context.ts";
import { ExternalSigners } from "../keys/external_signer.ts";
import { Keyring } from "../keys/keyring.ts";
import { type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";

/** The options of a command that say how keys are opened. */
export interface OpenKeysOptions extends PassphraseOptions {
  /** The program that signs with keys whose secret is kept elsewhere. */
  readonly signCommand?: string;
}

/** Returns the keyring that opens a command's keys as its options say. It does not ask for a passphrase yet. */
export function keyringOf({ prompt, terminal }: PublisherContext, options: OpenKeysOptions): Keyring {
  const { signCommand: program } = options;
  const external = program === undefined ? undefined : { program, tell: terminal.notice };
  return new Keyring(passphraseSource(options, prompt), new ExternalSigners(external));
}
