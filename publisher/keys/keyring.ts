import { isCode } from "../../shared/errors.ts";
import { type KeyFile, openKeyFile, readKeyFile, type SigningKey } from "./key_file.ts";
import type { PassphraseSource } from "./passphrase.ts";

/** Opens key files, each once in a run, and tries the passphrases it was given before it asks for another. */
export class Keyring {
  readonly #source: PassphraseSource;
  readonly #open = new Map<string, Promise<SigningKey>>();
  readonly #worked = new Set<string>();
  /** One at a time: each scrypt takes its 128 MB, and a terminal takes one question. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(source: PassphraseSource) {
    this.#source = source;
  }

  /** Throws `config`, `parse`, `limit`. */
  open(path: string): Promise<SigningKey> {
    const known = this.#open.get(path);
    if (known) return known;
    const opening = this.#line.then(() => this.#read(path));
    this.#line = opening.catch(() => undefined);
    this.#open.set(path, opening);
    return opening;
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

async function tried(file: KeyFile, path: string, passphrase: string): Promise<SigningKey | undefined> {
  try {
    return await openKeyFile(file, path, { repeats: false, passphrase: async () => passphrase });
  } catch (error) {
    if (isCode(error, "config")) return undefined;
    throw error;
  }
}
