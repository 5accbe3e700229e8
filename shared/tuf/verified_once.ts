import { equalBytes, toHex } from "../bytes.ts";
import type { PublicKey, SignatureVerifier } from "./keys.ts";
import type { OnlineKey } from "./online_keys.ts";
import type { Envelope, Root, TopRole } from "./schema.ts";
import { roleOf } from "./trusted_set.ts";

/** Remembers good signatures, so that each is computed once, however often it is verified. It lives for one request. */
export class VerifiedOnce {
  readonly #verify: SignatureVerifier;
  /** The signed bytes, keyed by key and signature. */
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

  /**
   * Returns the same key; the signatures that it makes are remembered as good. That its two halves belong together was
   * checked when it was read. A file with another key, signature or content is verified like any other.
   */
  remembering({ public: key, sign }: OnlineKey): OnlineKey {
    return {
      public: key,
      sign: async (message) => {
        const signature = await sign(message);
        this.#good.set(nameOf(key, toHex(signature)), message);
        return signature;
      },
    };
  }

  /** Remembers the signatures of a role's file as good: they were verified when it was put in force. */
  know({ signatures, signedBytes }: Envelope, role: TopRole, root: Root): void {
    for (const id of roleOf(root, role).keyIds) {
      const [key, signature] = [root.keys.get(id), signatures.get(id)];
      if (key && signature !== undefined) this.#good.set(nameOf(key, signature), signedBytes);
    }
  }
}

const nameOf = (key: PublicKey, signature: string): string => `${key.scheme} ${key.public} ${signature}`;
