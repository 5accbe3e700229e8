import { createPublicKey, type KeyObject } from "node:crypto";
import { equalBytes, fromUtf8 } from "../../shared/bytes.ts";
import { isSoundPublicKey } from "../../shared/crypto/ed25519.ts";
import { p256Point, spkiFromPem } from "../../shared/crypto/spki.ts";
import { isCode, ParseError } from "../../shared/errors.ts";
import { ed25519Key, type PublicKey } from "../../shared/tuf/keys.ts";

/** The names that metadata gives to ECDSA on P-256 (TUF specification 4.2). The public part is in PEM. */
export const P256 = { keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256" } as const;

/** The DER bytes that precede the bare key (RFC 8410, RFC 5480). */
const ED25519_SPKI = Buffer.from("302a300506032b6570032100", "hex");
const P256_SPKI = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");

const OPENSSH = /^(?:ssh-ed25519|ecdsa-sha2-nistp256) ([A-Za-z0-9+/]{1,400}={0,2})(?: [^\r\n]*)?\r?\n?$/;

/**
 * The bytes that precede the bare key in OpenSSH's form: strings, each after its length (RFC 8709 section 4,
 * RFC 5656 section 3.1).
 */
const OPENSSH_HEADS = [
  { head: sshHead(32, "ssh-ed25519"), length: 32, spki: ED25519_SPKI },
  { head: sshHead(65, "ecdsa-sha2-nistp256", "nistp256"), length: 65, spki: P256_SPKI },
];

/**
 * Reads a public key of Ed25519 or of ECDSA on P-256 in a form that other programs write: PEM (`BEGIN PUBLIC
 * KEY`), a line of OpenSSH, or a JWK. No error message quotes the file.
 *
 * @throws RebootlessError `parse`, also for a private key.
 */
export function importPublicKey(bytes: Uint8Array, path: string): PublicKey {
  const text = fromUtf8(bytes);
  if (/PRIVATE KEY|"d"\s*:/.test(text))
    throw new ParseError(`${path} holds a private key: give the public part`);
  try {
    return publicKeyOf(keyObject(text));
  } catch (error) {
    const why = isCode(error, "parse") ? error.message : "it is neither PEM nor OpenSSH nor a JWK";
    throw new ParseError(`${path} is not a public key of Ed25519 or of ECDSA P-256: ${why}`);
  }
}

/**
 * Reads a P-256 key from the PEM in a key file. Only the one PEM form from which its id is computed is
 * accepted.
 *
 * @throws RebootlessError `parse`.
 */
export function p256Key(pem: string, where: string): PublicKey {
  const key = importPublicKey(Buffer.from(pem), where);
  if (key.scheme === P256.scheme && key.public === pem) return key;
  throw new ParseError(`${where}: not a P-256 key in PEM as OpenSSL writes it`);
}

function keyObject(text: string): KeyObject {
  const blob = OPENSSH.exec(text)?.[1];
  if (blob !== undefined) {
    return createPublicKey({ key: spkiOf(Buffer.from(blob, "base64")), format: "der", type: "spki" });
  }
  if (!text.trimStart().startsWith("{")) return createPublicKey(text);
  return createPublicKey({ key: JSON.parse(text), format: "jwk" });
}

function spkiOf(blob: Buffer): Buffer {
  for (const { head, length, spki } of OPENSSH_HEADS) {
    const begins = equalBytes(blob.subarray(0, head.length), head);
    if (begins && blob.length === head.length + length)
      return Buffer.concat([spki, blob.subarray(head.length)]);
  }
  throw new ParseError("it is not written as OpenSSH does it");
}

function publicKeyOf(key: KeyObject): PublicKey {
  if (key.asymmetricKeyType === "ed25519") {
    const raw = key.export({ format: "der", type: "spki" }).subarray(ED25519_SPKI.length);
    if (!isSoundPublicKey(raw)) throw new ParseError("not a sound Ed25519 key");
    return ed25519Key(new Uint8Array(raw));
  }
  const pem = key.export({ format: "pem", type: "spki" }).toString();
  p256Point(spkiFromPem(pem));
  return { ...P256, public: pem };
}

function sshHead(length: number, ...strings: readonly string[]): Buffer {
  const size = (bytes: number) => Buffer.from([0, 0, bytes >> 8, bytes & 0xff]);
  const written = strings.flatMap((text) => [size(text.length), Buffer.from(text)]);
  return Buffer.concat([...written, size(length)]);
}
