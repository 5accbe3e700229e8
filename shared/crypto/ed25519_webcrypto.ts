import { toHex } from "../bytes.ts";
import { strictEd25519 } from "./ed25519.ts";

/** Who does the mathematics of one key. Secrets are those of RFC 8037, in base64url. */
export interface Ed25519BackEnd {
  /** @param publicKey 32 bytes. */
  verifier(publicKey: Uint8Array): Promise<Verifier> | Verifier;
  /** Throws for what is no key. */
  signer(key: { readonly x: string; readonly d: string }): Promise<Signer> | Signer;
}
type Verifier = (message: Uint8Array, signature: Uint8Array) => Promise<boolean> | boolean;
export type Signer = (message: Uint8Array) => Promise<Uint8Array> | Uint8Array;

const webCrypto: Ed25519BackEnd = {
  verifier: async (publicKey) => {
    const raw = publicKey as Uint8Array<ArrayBuffer>;
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    return (message, signature) =>
      crypto.subtle.verify(
        "Ed25519",
        key,
        signature as Uint8Array<ArrayBuffer>,
        message as Uint8Array<ArrayBuffer>,
      );
  },
  signer: async ({ x, d }) => {
    const jwk = { kty: "OKP", crv: "Ed25519", x, d };
    const key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
    return async (message) =>
      new Uint8Array(await crypto.subtle.sign("Ed25519", key, message as Uint8Array<ArrayBuffer>));
  },
};

let backEnd = webCrypto;

/**
 * For a process of Node, at its start: WebCrypto there sends each signature to the threads that write files, which doubles what
 * it takes. The strict rule stands before this one too, and a signature is a function of key and message (RFC 8032, 5.1.6).
 */
export function useEd25519(faster: Ed25519BackEnd): void {
  backEnd = faster;
  opened.clear();
}

/** A feed's root names some ten; whoever has more of them opens some again. */
const MAX_OPENED = 64;
const opened = new Map<string, Promise<Verifier> | Verifier>();

/** For the edge: native, about a hundred times the speed of JavaScript. */
export const ed25519 = strictEd25519(async (publicKey, message, signature) =>
  (await openedKey(publicKey))(message, signature),
);

/** Opens a secret key. Throws for what is no key; the error may quote it. */
export const ed25519Signer = async (key: { readonly x: string; readonly d: string }): Promise<Signer> =>
  backEnd.signer(key);

/** Opening a key takes as long as verifying, and the same few keys sign everything. */
function openedKey(publicKey: Uint8Array): Promise<Verifier> | Verifier {
  const name = toHex(publicKey);
  const known = opened.get(name);
  if (known) return known;
  const key = backEnd.verifier(publicKey);
  if (opened.size >= MAX_OPENED) opened.clear();
  opened.set(name, key);
  return key;
}
