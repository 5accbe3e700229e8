import { equalBytes, toHex } from "../bytes.ts";
import type { PublicKey, SignatureVerifier } from "./keys.ts";
import type { OnlineKey } from "./online_keys.ts";
import type { Envelope, Root, TopRole } from "./schema.ts";
import { roleOf } from "./trusted_set.ts";

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

  /**
   * The same key, whose signatures are known from when they are made: that its halves belong together was tried when it was read.
   * A file that holds another key, another signature or other bytes than were signed is judged as any other.
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

  /** Takes the signatures of a role's file as good, which were verified when it was put in force. */
  know({ signatures, signedBytes }: Envelope, role: TopRole, root: Root): void {
    for (const id of roleOf(root, role).keyIds) {
      const [key, signature] = [root.keys.get(id), signatures.get(id)];
      if (key && signature !== undefined) this.#good.set(nameOf(key, signature), signedBytes);
    }
  }
}

const nameOf = (key: PublicKey, signature: string): string => `${key.scheme} ${key.public} ${signature}`;
