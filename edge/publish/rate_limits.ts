import { secretJson } from "../../shared/decode.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { MINUTE } from "../../shared/time.ts";
import { onlyMembers } from "./publisher_scope.ts";

/**
 * The names of the limits: publishes of kernels and roots, uploads, and reads of files that only publishers
 * may read.
 */
export const LIMIT_NAMES = ["publish", "stage", "read"] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** A token bucket: `burst` at once, and `perMinute` after that. */
export interface Limit {
  readonly burst: number;
  readonly perMinute: number;
}

export type Limits = Readonly<Record<LimitName, Limit>>;

/**
 * The limits for a deployment that sets none. An update for 20,000 kernels, with a module for each, passes at
 * once. After that, the limit is one publish a second, also for a thief who has the key of a publisher's
 * tokens.
 */
export const DEFAULT_LIMITS: Limits = {
  publish: { burst: 5_000, perMinute: 60 },
  stage: { burst: 25_000, perMinute: 300 },
  read: { burst: 5_000, perMinute: 300 },
};

const MAX_LIMIT = 1_000_000;

/**
 * Decodes `{"publish": {"burst", "per_minute"}, …}`. A limit that is not named has its default.
 *
 * @throws ParseError
 */
export function decodeLimits(bytes: Uint8Array): Limits {
  const json = secretJson(bytes, "PUBLISHER_LIMITS", MAX_SMALL_VALUES);
  onlyMembers(json, LIMIT_NAMES);
  const given = new Map(json.entries(LIMIT_NAMES.length));
  const limitOf = (name: LimitName): Limit => {
    const limit = given.get(name);
    if (!limit) return DEFAULT_LIMITS[name];
    onlyMembers(limit, ["burst", "per_minute"]);
    const number = (member: string) => limit.get(member).integer(1, MAX_LIMIT);
    return { burst: number("burst"), perMinute: number("per_minute") };
  };
  return { publish: limitOf("publish"), stage: limitOf("stage"), read: limitOf("read") };
}

/** The number of units that were left in a bucket, and the time of that, in milliseconds. */
export interface RateBucket {
  readonly level: number;
  readonly at: number;
}

export type Taken =
  | { readonly kind: "taken"; readonly bucket: RateBucket }
  /** The bucket is empty. @property wait the milliseconds until a unit can be taken. */
  | { readonly kind: "empty"; readonly wait: number };

/**
 * Takes one unit out of a bucket.
 * @param before the bucket; undefined for a full one.
 * @param now the time in milliseconds.
 */
export function take(before: RateBucket | undefined, { burst, perMinute }: Limit, now: number): Taken {
  const gained = before ? (Math.max(0, now - before.at) * perMinute) / MINUTE : 0;
  const level = Math.min(burst, (before?.level ?? burst) + gained);
  if (level >= 1) return { kind: "taken", bucket: { level: level - 1, at: now } };
  return { kind: "empty", wait: Math.ceil(((1 - level) * MINUTE) / perMinute) };
}
