import { isCode } from "../../shared/errors.ts";
import type { ExternalSigners } from "./external_signer.ts";
import { type KeyFile, openKeyFile, readKeyFile, type SigningKey } from "./key_file.ts";
import type { PassphraseSource } from "./passphrase.ts";
import { type KeySigner, signerOf } from "./sign.ts";

/**
 * A set of key files. Each is opened once in a run, and passphrases that worked before are tried before
 * another is asked for.
 */
export class Keyring {
  readonly #source: PassphraseSource;
  readonly #external: ExternalSigners;
  readonly #signers = new Map<string, Promise<KeySigner>>();
  readonly #secrets = new Map<string, Promise<SigningKey>>();
  readonly #worked = new Set<string>();
  /**
   * The end of the queue of openings. Only one runs at a time, because each scrypt takes 128 MB and a
   * terminal can ask only one question.
   */
  #line: Promise<unknown> = Promise.resolve();

  constructor(source: PassphraseSource, external: ExternalSigners) {
    this.#source = source;
    this.#external = external;
  }

  /** Makes a signer for the key in a file. @throws RebootlessError `config`, `parse`, `limit`. */
  open(path: string): Promise<KeySigner> {
    return once(this.#signers, path, async () => {
      const file = await readKeyFile(path);
      if (file.secret === undefined) return this.#external.signer(file, path);
      return signerOf(await this.secret(path));
    });
  }

  /**
   * Returns the secret key in a file, for callers that pass it on.
   *
   * @throws RebootlessError `config`, `parse`, `limit`.
   */
  secret(path: string): Promise<SigningKey> {
    return once(this.#secrets, path, () => {
      const opening = this.#line.then(() => this.#read(path));
      this.#line = opening.catch(() => undefined);
      return opening;
    });
  }

  async #read(path: string): Promise<SigningKey> {
    const file = await readKeyFile(path);
    for (const passphrase of this.#worked) {
      const key = await tried(file, path, passphrase);
      if (key) return key;
    }
    let given = "";
    const key = await openKeyFile(file, path, {
      repeats: this.#source.repeats,
      passphrase: async (about, attempt) => {
        given = await this.#source.passphrase(about, attempt);
        return given;
      },
    });
    if (given !== "") this.#worked.add(given);
    return key;
  }
}

function once<T>(known: Map<string, Promise<T>>, path: string, make: () => Promise<T>): Promise<T> {
  const made = known.get(path) ?? make();
  known.set(path, made);
  return made;
}

async function tried(file: KeyFile, path: string, passphrase: string): Promise<SigningKey | undefined> {
  try {
    return await openKeyFile(file, path, { repeats: false, passphrase: async () => passphrase });
  } catch (error) {
    if (isCode(error, "config")) return undefined;
    throw error;
  }
}
