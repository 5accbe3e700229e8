import { fromUtf8, utf8 } from "../shared/bytes.ts";
import { ecdsaP256 } from "../shared/crypto/ecdsa_p256.ts";
import { ed25519 } from "../shared/crypto/ed25519_webcrypto.ts";
import { isCode, ParseError, RebootlessError } from "../shared/errors.ts";
import { serverOrigin } from "../shared/http/origin.ts";
import { type Clock, systemClock } from "../shared/time.ts";
import { type SignatureVerifier, signatureVerifier } from "../shared/tuf/keys.ts";
import { type OnlineKeys, onlineKeys } from "../shared/tuf/online_keys.ts";
import { TrustedSet } from "../shared/tuf/trusted_set.ts";
import { DEFAULT_LIMITS, decodeLimits, type Limits } from "./publish/limits.ts";
import { decodePublishers, NOBODY, type Publishers } from "./publish/publishers.ts";

/** What the deployment gives as text: secrets and variables by the names of their bindings. */
export const TEXT_BINDINGS = [
  "TRUSTED_ROOT",
  "SNAPSHOT_KEY",
  "TIMESTAMP_KEY",
  "PUBLISHERS",
  "FEED_AUDIENCE",
  "PUBLISHER_LIMITS",
  "FEED_URL",
] as const;
export type TextBinding = (typeof TEXT_BINDINGS)[number];

/** What the door to publishing rests on: where one of them cannot be used nobody comes in. */
const OF_THE_DOOR: readonly TextBinding[] = ["PUBLISHERS", "FEED_AUDIENCE", "PUBLISHER_LIMITS"];

export type TextBindings = Readonly<Partial<Record<TextBinding, unknown>>>;

export interface Config {
  /** Bytes of 1.root.json. */
  readonly trustedRoot: Uint8Array;
  /** None of a role whose binding cannot be used: nothing is signed then, and what is in force is served on. */
  readonly keys: OnlineKeys;
  readonly publishers: Publishers;
  readonly audience: string;
  readonly limits: Limits;
  /** How the feed is reached from outside, such as `https://feed.example.org`; undefined: as each request says. */
  readonly url: string | undefined;
  /** Bindings that are missing or malformed. What does not need them goes on. */
  readonly faults: readonly ConfigFault[];
  readonly verify: SignatureVerifier;
  readonly clock: Clock;
}

export interface ConfigFault {
  readonly binding: TextBinding;
  /** Names the binding, the member and what is wrong with it; quotes nothing of what it holds. */
  readonly message: string;
}

/** Why nobody may publish here, or undefined. */
export const closedDoor = ({ faults }: Pick<Config, "faults">): ConfigFault | undefined =>
  faults.find(({ binding }) => OF_THE_DOOR.includes(binding));

/** Throws `config` where TRUSTED_ROOT is missing or malformed: without it there is no feed. All else is a fault that is told. */
export async function readConfig(env: TextBindings): Promise<Config> {
  const verify = signatureVerifier({ ed25519, "ecdsa-sha2-nistp256": ecdsaP256 });
  const faults: ConfigFault[] = [];
  const read = async <T>(name: TextBinding, parse: Parse<T>, otherwise: T): Promise<T> => {
    try {
      return await readBinding(env, name, parse);
    } catch (error) {
      if (!isCode(error, "config")) throw error;
      faults.push({ binding: name, message: error.message });
      return otherwise;
    }
  };
  const optional = async <T>(name: TextBinding, parse: Parse<T>, otherwise: T): Promise<T> =>
    env[name] === undefined ? otherwise : read(name, parse, otherwise);
  return {
    trustedRoot: await readBinding(env, "TRUSTED_ROOT", (bytes) => firstRoot(bytes, verify)),
    keys: {
      snapshot: await read("SNAPSHOT_KEY", (bytes) => onlineKeys(bytes, "SNAPSHOT_KEY"), []),
      timestamp: await read("TIMESTAMP_KEY", (bytes) => onlineKeys(bytes, "TIMESTAMP_KEY"), []),
    },
    publishers: await read("PUBLISHERS", decodePublishers, NOBODY),
    audience: await read("FEED_AUDIENCE", fromUtf8, ""),
    limits: await optional("PUBLISHER_LIMITS", decodeLimits, DEFAULT_LIMITS),
    url: await optional<string | undefined>("FEED_URL", feedUrl, undefined),
    faults,
    verify,
    clock: systemClock,
  };
}

/** Everything that is wrong with what a deployment gives, also names that nothing reads; empty where all is sound. */
export async function faultsOf(env: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const known: readonly string[] = TEXT_BINDINGS;
  const strangers = Object.keys(env).filter((name) => !known.includes(name));
  const unread = strangers.map((name) => `${name.slice(0, 80)}: nothing reads this: ${known.join(", ")}`);
  try {
    return [...(await readConfig(env)).faults.map(({ message }) => message), ...unread];
  } catch (error) {
    if (!isCode(error, "config")) throw error;
    return [error.message, ...unread];
  }
}

type Parse<T> = (bytes: Uint8Array) => T | Promise<T>;

async function readBinding<T>(env: TextBindings, name: TextBinding, parse: Parse<T>): Promise<T> {
  const text = env[name];
  if (typeof text !== "string" || text === "") throw new RebootlessError("config", `${name} is not set`);
  try {
    return await parse(utf8(text));
  } catch (cause) {
    // Those that read a binding say what is wrong and quote nothing; whatever else was thrown may hold a secret.
    const why = cause instanceof ParseError ? cause.message : `${name} is malformed`;
    throw new RebootlessError("config", why, { cause });
  }
}

/** A root is public, and what a reader of roots says of it is not: it may quote what was put there by mistake. */
async function firstRoot(bytes: Uint8Array, verify: SignatureVerifier): Promise<Uint8Array> {
  const version = await TrustedSet.fromRoot(bytes, systemClock(), verify).then(
    ({ root }) => root.version,
    () => undefined,
  );
  if (version === undefined) throw new ParseError("TRUSTED_ROOT: not a root of trust that signs itself");
  if (version !== 1) throw new ParseError(`TRUSTED_ROOT: root version ${version}, and not the first`);
  return bytes;
}

function feedUrl(bytes: Uint8Array): string {
  const origin = serverOrigin(fromUtf8(bytes));
  if (origin === undefined) throw new ParseError("FEED_URL: not the address of a server, without a path");
  return origin;
}
