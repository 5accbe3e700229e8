import { fromUtf8, utf8 } from "../shared/bytes.ts";
import type { Cryptography } from "../shared/crypto/cryptography.ts";
import { isCode, ParseError, RebootlessError } from "../shared/errors.ts";
import { serverOrigin } from "../shared/http/origin.ts";
import { type Clock, systemClock } from "../shared/time.ts";
import { type OnlineKeys, onlineKeys } from "../shared/tuf/online_keys.ts";
import { selfSignedRoot } from "../shared/tuf/trusted_set.ts";
import { edgeVerifier, type Verifier } from "../shared/tuf/verifier.ts";
import { decodePublishers, NO_PUBLISHERS, type Publishers } from "./publish/publishers.ts";
import { DEFAULT_LIMITS, decodeLimits, type Limits } from "./publish/rate_limits.ts";

/** The secrets and variables that a deployment gives as text, by the names of their bindings. */
export const TEXT_BINDINGS = [
  "TRUSTED_ROOT",
  "SNAPSHOT_KEY",
  "TIMESTAMP_KEY",
  "PUBLISHERS",
  "FEED_AUDIENCE",
  "PUBLISHER_LIMITS",
  "FEED_URL",
  "REQUIRE_TRIED",
] as const;
export type TextBinding = (typeof TEXT_BINDINGS)[number];

/** The bindings that publishing needs. If one of them cannot be used, every publish is refused. */
const NEEDED_TO_PUBLISH: readonly TextBinding[] = [
  "PUBLISHERS",
  "FEED_AUDIENCE",
  "PUBLISHER_LIMITS",
  "REQUIRE_TRIED",
];

export type TextBindings = Readonly<Partial<Record<TextBinding, unknown>>>;

export interface EdgeConfig extends Verifier {
  /** The bytes of 1.root.json. */
  readonly trustedRoot: Uint8Array;
  /**
   * The keys by role; none for a role whose binding cannot be used. Nothing new is signed then, and the feed
   * in force is still served.
   */
  readonly keys: OnlineKeys;
  readonly publishers: Publishers;
  readonly audience: string;
  readonly limits: Limits;
  /** The feed's address as seen from outside, such as `https://feed.example.org`; undefined: the one each request names. */
  readonly url: string | undefined;
  /** True if new updates must say that they were tried. */
  readonly requireTried: boolean;
  /** The bindings that are missing or malformed. Parts of the edge that do not need them work. */
  readonly faults: readonly ConfigFault[];
  readonly clock: Clock;
}

export interface ConfigFault {
  readonly binding: TextBinding;
  /**
   * A message that names the binding, the member and what is wrong with it. It quotes nothing of its content.
   */
  readonly message: string;
}

/** Returns the fault because of which every publish is refused, or undefined. */
export const publishingFault = ({ faults }: Pick<EdgeConfig, "faults">): ConfigFault | undefined =>
  faults.find(({ binding }) => NEEDED_TO_PUBLISH.includes(binding));

/**
 * Reads the bindings. A binding that is missing or malformed becomes one of `faults`, except TRUSTED_ROOT,
 * without which there is no feed.
 *
 * @throws RebootlessError `config` if TRUSTED_ROOT is missing or malformed.
 */
export async function readEdgeConfig(env: TextBindings, crypto: Cryptography): Promise<EdgeConfig> {
  const verifier = edgeVerifier(crypto);
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
    trustedRoot: await readBinding(env, "TRUSTED_ROOT", (bytes) => firstRoot(bytes, verifier)),
    keys: {
      snapshot: await read("SNAPSHOT_KEY", (bytes) => onlineKeys(bytes, crypto, "SNAPSHOT_KEY"), []),
      timestamp: await read("TIMESTAMP_KEY", (bytes) => onlineKeys(bytes, crypto, "TIMESTAMP_KEY"), []),
    },
    publishers: await read("PUBLISHERS", decodePublishers, NO_PUBLISHERS),
    audience: await read("FEED_AUDIENCE", fromUtf8, ""),
    limits: await optional("PUBLISHER_LIMITS", decodeLimits, DEFAULT_LIMITS),
    url: await optional<string | undefined>("FEED_URL", feedUrl, undefined),
    requireTried: await optional("REQUIRE_TRIED", yesOrNo, false),
    faults,
    ...verifier,
    clock: systemClock,
  };
}

/**
 * Returns all faults of the bindings, including names that are not read. Returns an empty list if there are
 * no faults.
 */
export async function faultsOf(
  env: Readonly<Record<string, unknown>>,
  crypto: Cryptography,
): Promise<readonly string[]> {
  const known: readonly string[] = TEXT_BINDINGS;
  const unknown = Object.keys(env).filter((name) => !known.includes(name));
  const unread = unknown.map((name) => `${name.slice(0, 80)}: not one of ${known.join(", ")}`);
  try {
    return [...(await readEdgeConfig(env, crypto)).faults.map(({ message }) => message), ...unread];
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
    // A ParseError of a binding quotes nothing of it; the message of any other error may hold a secret.
    const why = cause instanceof ParseError ? cause.message : `${name} is malformed`;
    throw new RebootlessError("config", why, { cause });
  }
}

/** Checks the first root. Errors of the root's reader are not passed on: they may quote a secret that is here by mistake. */
async function firstRoot(bytes: Uint8Array, verifier: Verifier): Promise<Uint8Array> {
  const version = await selfSignedRoot(bytes, verifier).then(
    (root) => root.version,
    () => undefined,
  );
  if (version === undefined) throw new ParseError("TRUSTED_ROOT: not a root of trust that signs itself");
  if (version !== 1) throw new ParseError(`TRUSTED_ROOT: root version ${version}, where version 1 is needed`);
  return bytes;
}

function yesOrNo(bytes: Uint8Array): boolean {
  const text = fromUtf8(bytes);
  if (text === "yes" || text === "no") return text === "yes";
  throw new ParseError("REQUIRE_TRIED: must be yes or no");
}

function feedUrl(bytes: Uint8Array): string {
  const origin = serverOrigin(fromUtf8(bytes));
  if (origin === undefined) throw new ParseError("FEED_URL: must be the address of a server, without a path");
  return origin;
}
