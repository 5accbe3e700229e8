import type { JsonObject } from "../../shared/json.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { envelope } from "../../shared/tuf/metadata.ts";
import { ed25519Sign } from "./ed25519.ts";
import type { SigningKey } from "./key_file.ts";

/** Signs a document with each key and returns the file's bytes. */
export function sign(document: JsonObject, keys: readonly SigningKey[]): Uint8Array {
  const message = canonicalJson(document);
  return envelope(
    document,
    keys.map(({ id, seed }) => ({ keyId: id, signature: ed25519Sign(seed, message) })),
  );
}
