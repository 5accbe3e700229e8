import { secretJson } from "../../shared/decode.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { MINUTE } from "../../shared/time.ts";
import { onlyMembers } from "./scope.ts";

/** What a publisher does that is counted: publishes of kernels and roots, uploads, and reading what only publishers may. */
export const LIMIT_NAMES = ["publish", "stage", "read"] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** So many at once, and after that so many a minute: a token bucket. */
export interface Limit {
  readonly burst: number;
  readonly perMinute: number;
}

export type Limits = Readonly<Record<LimitName, Limit>>;

/**
 * An update for 20,000 kernels, with a module for each, goes through at once; afterwards, and for whoever stole a token key, it
 * is a publish a second.
 */
export const DEFAULT_LIMITS: Limits = {
  publish: { burst: 5_000, perMinute: 60 },
  stage: { burst: 25_000, perMinute: 300 },
  read: { burst: 5_000, perMinute: 300 },
};

const MAX_LIMIT = 1_000_000;

/** `{"publish": {"burst", "per_minute"}, …}`; what is not named is as by default. Throws ParseError. */
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

/** What is left in a bucket, and when that was. */
export interface Bucket {
  readonly level: number;
  readonly at: number;
}

export type Taken =
  | { readonly kind: "taken"; readonly bucket: Bucket }
  /** @property wait milliseconds until there is one. */
  | { readonly kind: "empty"; readonly wait: number };

/** @param before undefined for a bucket that is full. @param now milliseconds. */
export function take(before: Bucket | undefined, { burst, perMinute }: Limit, now: number): Taken {
  const gained = before ? (Math.max(0, now - before.at) * perMinute) / MINUTE : 0;
  const level = Math.min(burst, (before?.level ?? burst) + gained);
  if (level >= 1) return { kind: "taken", bucket: { level: level - 1, at: now } };
  return { kind: "empty", wait: Math.ceil(((1 - level) * MINUTE) / perMinute) };
}
