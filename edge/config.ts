import { fromUtf8, utf8 } from "../shared/bytes.ts";
import { ed25519 } from "../shared/crypto/ed25519_webcrypto.ts";
import { RebootlessError } from "../shared/errors.ts";
import { type Clock, systemClock } from "../shared/time.ts";
import { type SignatureVerifier, signatureVerifier } from "../shared/tuf/keys.ts";
import { type OnlineKeys, onlineKeys } from "../shared/tuf/online_keys.ts";
import { TrustedSet } from "../shared/tuf/trusted_set.ts";
import { DEFAULT_LIMITS, decodeLimits, type Limits } from "./publish/limits.ts";
import { decodePublishers, type Publishers } from "./publish/publishers.ts";

/** What the deployment gives as text: secrets and variables by the names of their bindings. */
export const TEXT_BINDINGS = [
  "TRUSTED_ROOT",
  "SNAPSHOT_KEY",
  "TIMESTAMP_KEY",
  "PUBLISHERS",
  "FEED_AUDIENCE",
  "PUBLISHER_LIMITS",
] as const;
export type TextBinding = (typeof TEXT_BINDINGS)[number];

export interface Config {
  /** Bytes of 1.root.json. */
  readonly trustedRoot: Uint8Array;
  readonly keys: OnlineKeys;
  readonly publishers: Publishers;
  readonly audience: string;
  readonly limits: Limits;
  readonly verify: SignatureVerifier;
  readonly clock: Clock;
}

/** Throws `config` naming the binding that is missing or malformed, never what it holds. */
export async function readConfig(env: Readonly<Partial<Record<TextBinding, unknown>>>): Promise<Config> {
  const verify = signatureVerifier({ ed25519 });
  const read = <T>(name: TextBinding, parse: (bytes: Uint8Array) => T | Promise<T>) =>
    readBinding(env, name, parse);
  return {
    trustedRoot: await read("TRUSTED_ROOT", (bytes) => firstRoot(bytes, verify)),
    keys: {
      snapshot: await read("SNAPSHOT_KEY", onlineKeys),
      timestamp: await read("TIMESTAMP_KEY", onlineKeys),
    },
    publishers: await read("PUBLISHERS", decodePublishers),
    audience: await read("FEED_AUDIENCE", (bytes) => fromUtf8(bytes)),
    limits:
      env.PUBLISHER_LIMITS === undefined ? DEFAULT_LIMITS : await read("PUBLISHER_LIMITS", decodeLimits),
    verify,
    clock: systemClock,
  };
}

async function readBinding<T>(
  env: Readonly<Partial<Record<TextBinding, unknown>>>,
  name: TextBinding,
  parse: (bytes: Uint8Array) => T | Promise<T>,
): Promise<T> {
  const text = env[name];
  if (typeof text !== "string" || text === "") throw new RebootlessError("config", `${name} is not set`);
  try {
    return await parse(utf8(text));
  } catch (cause) {
    // The cause stays inside: messages of parsers quote what they read.
    throw new RebootlessError("config", `${name} is malformed`, { cause });
  }
}

async function firstRoot(bytes: Uint8Array, verify: SignatureVerifier): Promise<Uint8Array> {
  const { root } = await TrustedSet.fromRoot(bytes, systemClock(), verify);
  if (root.version !== 1) throw new RebootlessError("config", `root version ${root.version}, not 1`);
  return bytes;
}
