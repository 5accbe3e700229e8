import { secretJson } from "../../shared/decode.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { MINUTE } from "../../shared/time.ts";
import { onlyMembers } from "./publisher_scope.ts";

/** What is limited: publishes of kernels and roots, uploads, and reads of what only publishers may read. */
export const LIMIT_NAMES = ["publish", "stage", "read"] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** A token bucket: `burst` at once, and `perMinute` after that. */
export interface Limit {
  readonly burst: number;
  readonly perMinute: number;
}

export type Limits = Readonly<Record<LimitName, Limit>>;

/**
 * The limits where the deployment sets none. An update for 20,000 kernels, with a module for each, passes at once. After
 * that, and for somebody who stole the key of a publisher's tokens, it is one publish a second.
 */
export const DEFAULT_LIMITS: Limits = {
  publish: { burst: 5_000, perMinute: 60 },
  stage: { burst: 25_000, perMinute: 300 },
  read: { burst: 5_000, perMinute: 300 },
};

const MAX_LIMIT = 1_000_000;

/**
 * Decodes `{"publish": {"burst", "per_minute"}, …}`. What is not named has its default.
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

/** How much was left in a bucket, and when, in milliseconds. */
export interface RateBucket {
  readonly level: number;
  readonly at: number;
}

export type Taken =
  | { readonly kind: "taken"; readonly bucket: RateBucket }
  /** @property wait milliseconds until one can be taken. */
  | { readonly kind: "empty"; readonly wait: number };

/** Takes one out of a bucket. @param before undefined for a full bucket. @param now milliseconds. */
export function take(before: RateBucket | undefined, { burst, perMinute }: Limit, now: number): Taken {
  const gained = before ? (Math.max(0, now - before.at) * perMinute) / MINUTE : 0;
  const level = Math.min(burst, (before?.level ?? burst) + gained);
  if (level >= 1) return { kind: "taken", bucket: { level: level - 1, at: now } };
  return { kind: "empty", wait: Math.ceil(((1 - level) * MINUTE) / perMinute) };
}
