import { describe, expect, it } from "vitest";
import type { PublishOutcome } from "../../../edge/publish/outcome.ts";
import { outcomeAnswer, outcomesAnswer } from "../../../edge/routes/publish_outcome.ts";
import { buildId, sha256Hex } from "../../../shared/brand.ts";

const ID = buildId("0123456789abcdef0123");
const MISSING = sha256Hex("ab".repeat(32));
const refused = { kind: "refused", reason: "trust", message: "who signed this?" } as const;
const WENT_WRONG = "something went wrong at the edge, whose log says what";

/** An outcome; the status and the body of its own answer; its result in the answer to a batch. */
const CASES: readonly (readonly [PublishOutcome, number, object, object])[] = [
  [
    { kind: "published", version: 3, etag: '"ab"' },
    201,
    { version: 3, etag: '"ab"' },
    { outcome: "published", version: 3, etag: '"ab"' },
  ],
  [
    { kind: "published", version: 2, etag: null },
    201,
    { version: 2, etag: null },
    { outcome: "published", version: 2, etag: null },
  ],
  [
    { kind: "acceptable", version: 3, missing: [MISSING] },
    200,
    { version: 3, missing: [MISSING] },
    { outcome: "acceptable", version: 3, missing: [MISSING] },
  ],
  [
    { kind: "conflict", message: "version 4 is in force", current: 4 },
    409,
    { error: { code: "conflict", message: "version 4 is in force", version: 4 } },
    { outcome: "conflict", message: "version 4 is in force", version: 4 },
  ],
  [
    { ...refused, hint: undefined },
    422,
    { error: { code: "refused", message: refused.message, reason: "trust" } },
    { outcome: "refused", message: refused.message, reason: "trust" },
  ],
  [
    { ...refused, hint: "Sign it." },
    422,
    { error: { code: "refused", message: refused.message, hint: "Sign it.", reason: "trust" } },
    { outcome: "refused", message: refused.message, hint: "Sign it.", reason: "trust" },
  ],
  [
    { kind: "failed", detail: "for the log alone" },
    500,
    { error: { code: "internal", message: WENT_WRONG } },
    { outcome: "failed", message: WENT_WRONG },
  ],
  [
    { kind: "misconfigured", message: "SNAPSHOT_KEY is not set" },
    500,
    { error: { code: "config", message: "SNAPSHOT_KEY is not set" } },
    { outcome: "failed", message: "SNAPSHOT_KEY is not set" },
  ],
];

describe("an outcome", () => {
  it.each(CASES)("%o has the status and the members that publishers know", async (outcome, status, body) => {
    const answer = outcomeAnswer(outcome);
    expect([answer.status, await answer.json()]).toEqual([status, body]);
  });

  it.each(CASES)("%o of a batch is one of its results", async (outcome, _status, _body, result) => {
    const answer = outcomesAnswer([{ buildId: ID, outcome }]);
    expect([answer.status, await answer.json()]).toEqual([200, { results: [{ build_id: ID, ...result }] }]);
  });
});
