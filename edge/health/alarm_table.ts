interface AlarmMeaning {
  /** The level of the alarm. `failing` means that hosts or publishers are refused now. */
  readonly level: "warning" | "failing" | "warning, then failing";
  readonly meaning: string;
  /** The action that the operator should take. */
  readonly advice: string;
}

/** The meaning of each alarm. docs/monitoring.md has the same table. */
export const ALARM_TABLE = {
  config_invalid: {
    level: "failing",
    meaning:
      "A secret or variable is missing or malformed; the message names it and the member's path. What is in force is still served. Without PUBLISHERS, FEED_AUDIENCE, or with a malformed PUBLISHER_LIMITS or REQUIRE_TRIED, every publish is refused; without a key nothing new is signed, and hosts see the feed expire.",
    advice:
      "Run `rebootless-publish check-vars FILE` until it reports no fault, then set the secret or variable again.",
  },
  store_unreadable: {
    level: "failing",
    meaning: "The bucket or the disk does not answer. Hosts keep what they have, and mirrors still serve.",
    advice: 'Look at the provider\'s status first. If the store is lost for good: runbook, "Restore".',
  },
  store_errors: {
    level: "warning",
    meaning: "The store failed in the last 15 minutes; the message says when, and in which operation.",
    advice: "Look at the provider's status, and at the log.",
  },
  root_invalid: {
    level: "failing",
    meaning:
      "The stored roots do not follow from TRUSTED_ROOT: it was changed, or the bucket is another feed's.",
    advice: "Set the right TRUSTED_ROOT before you restore anything.",
  },
  root_expires: {
    level: "warning, then failing",
    meaning: "The root of trust expires within 30 days, or has expired.",
    advice: '`rebootless-publish root renew`: runbook, "Rotate keys".',
  },
  snapshot_key: {
    level: "failing",
    meaning: "The root in force does not name the edge's snapshot key: nothing new can be signed.",
    advice: 'Give the edge the key that the root names: runbook, "Rotate keys".',
  },
  timestamp_key: {
    level: "failing",
    meaning: "The root in force does not name the edge's timestamp key: nothing new can be signed.",
    advice: 'Give the edge the key that the root names: runbook, "Rotate keys".',
  },
  timestamp_expires: {
    level: "warning, then failing",
    meaning:
      "A kernel's timestamp expires within a day, or has expired: a maintenance run should have signed it again.",
    advice:
      "Look at the log (`npx wrangler tail`) and at `[triggers]` in wrangler.toml. A poll of that kernel signs it too.",
  },
  snapshot_expires: {
    level: "warning, then failing",
    meaning:
      "A kernel's snapshot expires within 7 days, or has expired: a maintenance run should have signed it again.",
    advice:
      "Look at the log (`npx wrangler tail`) and at `[triggers]` in wrangler.toml. A poll of that kernel signs it too.",
  },
  targets_expires: {
    level: "warning",
    meaning: "What publishers signed for a kernel expires within 30 days, or has expired.",
    advice: "Its publisher should push again, or give the kernel up.",
  },
  round_missing: {
    level: "warning",
    meaning: "The last maintenance run was more than 12 hours ago, or there has not been one yet.",
    advice: "Look at the log (`npx wrangler tail`) and at `[triggers]` in wrangler.toml.",
  },
  round_failed: {
    level: "warning",
    meaning: "The last maintenance run failed for some kernels; the message says for how many.",
    advice: "Look at the log (`npx wrangler tail`), which names each kernel.",
  },
} as const satisfies Readonly<Record<string, AlarmMeaning>>;

export type AlarmName = keyof typeof ALARM_TABLE;
