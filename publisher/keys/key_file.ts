import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { fromHex, toHex } from "../../shared/bytes.ts";
import { ed25519Public } from "../../shared/crypto/ed25519_tweetnacl.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import { ed25519Key, keyId, type PublicKey } from "../../shared/tuf/keys.ts";

/** A secret and what is known of it in public. */
export interface SigningKey {
  readonly id: string;
  readonly key: PublicKey;
  /** 32 bytes: the Ed25519 seed. */
  readonly seed: Uint8Array;
}

export async function newKey(): Promise<SigningKey> {
  return keyFromSeed(randomBytes(32));
}

export async function keyFromSeed(seed: Uint8Array): Promise<SigningKey> {
  const key = ed25519Key(ed25519Public(seed));
  return { id: await keyId(key), key, seed };
}

/** Only its owner may read a key file, from the moment it exists; one that is there is never overwritten. */
export async function writeKeyFile(path: string, { key, seed }: SigningKey): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const bytes = encodeJson(
    jsonObject({ format: 1, scheme: key.scheme, public: key.public, private: toHex(seed) }),
  );
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Throws `config` for a file that others can read, `parse` for one that is not a key. No message holds the secret. */
export async function readKeyFile(path: string): Promise<SigningKey> {
  const { mode } = await stat(path).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot read the key ${path}`, { cause });
  });
  if ((mode & 0o077) !== 0) {
    throw new RebootlessError("config", `${path} can be read by others than its owner`, {
      hint: `It may have been copied: think of replacing the key. Otherwise: chmod 600 ${path}`,
    });
  }
  const file = new Decoder(parseJson(await readFile(path), path), path);
  file.get("format").literal(1);
  file.get("scheme").literal("ed25519");
  const key = await keyFromSeed(seedOf(file.get("private")));
  if (key.key.public !== file.get("public").string())
    file.fail("the public key is not that of the private key");
  return key;
}

/** Not through `Decoder.as`, whose message would quote the text. */
function seedOf(secret: Decoder): Uint8Array {
  const hex = secret.string();
  return /^[0-9a-f]{64}$/.test(hex) ? fromHex(hex) : secret.fail("not 64 hex digits");
}
