interface AlarmMeaning {
  /** `failing`: hosts or publishers are turned away now. */
  readonly level: "warning" | "failing" | "warning, then failing";
  readonly meaning: string;
  /** What whoever sees it does next. */
  readonly advice: string;
}

/** The one text about alarms: docs/monitoring.md says this. */
export const ALARM_TABLE = {
  config_invalid: {
    level: "failing",
    meaning:
      "A secret or variable is missing or malformed; the message names it and the member's path. What is in force is served on. For PUBLISHERS, FEED_AUDIENCE and PUBLISHER_LIMITS nobody can publish meanwhile; for a key nothing is signed, and hosts see the feed expire.",
    advice: "Run `rebootless-publish check-vars FILE` until it is quiet, then set it again.",
  },
  store_unreadable: {
    level: "failing",
    meaning: "The bucket or the disk does not answer. Hosts keep what they have, and mirrors serve.",
    advice: 'Look at the provider\'s status first. Where it is lost for good: runbook, "Restore".',
  },
  store_errors: {
    level: "warning",
    meaning: "The store failed in the last 15 minutes; the message says when, and at what.",
    advice: "Look at the provider's status, and at the log.",
  },
  root_invalid: {
    level: "failing",
    meaning:
      "The stored roots do not follow from TRUSTED_ROOT: it was changed, or the bucket is another feed's.",
    advice: "Set the right TRUSTED_ROOT before anything is restored.",
  },
  root_expires: {
    level: "warning, then failing",
    meaning: "The root of trust ends within 30 days, or has ended.",
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
    meaning: "A kernel's timestamp ends within a day, or has ended: the round should have signed it again.",
    advice:
      "Look at the log (`npx wrangler tail`) and at `[triggers]` in wrangler.toml. A poll of that kernel signs it too.",
  },
  snapshot_expires: {
    level: "warning, then failing",
    meaning: "A kernel's snapshot ends within 7 days, or has ended: the round should have signed it again.",
    advice:
      "Look at the log (`npx wrangler tail`) and at `[triggers]` in wrangler.toml. A poll of that kernel signs it too.",
  },
  targets_expires: {
    level: "warning",
    meaning: "What publishers signed for a kernel ends within 30 days, or has ended.",
    advice: "Its publisher pushes again, or the kernel is given up.",
  },
  round_missing: {
    level: "warning",
    meaning: "There was no round for 12 hours, or there was none yet.",
    advice: "Look at the log (`npx wrangler tail`) and at `[triggers]` in wrangler.toml.",
  },
  round_failed: {
    level: "warning",
    meaning: "The last round failed for some kernels; the message says for how many.",
    advice: "Look at the log (`npx wrangler tail`): it names each.",
  },
} as const satisfies Readonly<Record<string, AlarmMeaning>>;

export type AlarmName = keyof typeof ALARM_TABLE;
