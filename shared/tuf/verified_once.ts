import { equalBytes, toHex } from "../bytes.ts";
import type { PublicKey, SignatureVerifier } from "./keys.ts";
import type { Envelope, Root } from "./schema.ts";

/** Does the mathematics of a good signature once, however often it is judged: for the length of one request. */
export class VerifiedOnce {
  readonly #verify: SignatureVerifier;
  /** What was signed, by key and signature. */
  readonly #good = new Map<string, Uint8Array>();

  constructor(verify: SignatureVerifier) {
    this.#verify = verify;
  }

  readonly verify: SignatureVerifier = async (key, message, signature) => {
    const name = nameOf(key, toHex(signature));
    const known = this.#good.get(name);
    if (known && equalBytes(known, message)) return true;
    const good = await this.#verify(key, message, signature);
    if (good) this.#good.set(name, message);
    return good;
  };

  /** Takes the signatures of a file as good that was verified when it was put in force. */
  know({ signatures, signedBytes }: Envelope, { keys }: Root): void {
    for (const [id, signature] of signatures) {
      const key = keys.get(id);
      if (key) this.#good.set(nameOf(key, signature), signedBytes);
    }
  }
}

const nameOf = (key: PublicKey, signature: string): string => `${key.scheme} ${key.public} ${signature}`;
