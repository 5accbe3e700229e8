import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { MAX_BATCH } from "../../shared/feed/batch.ts";
import { parseJson } from "../../shared/json.ts";
import { MAX_UPDATES } from "../../shared/limits.ts";

const OUTCOMES = ["published", "acceptable", "conflict", "refused", "failed"] as const;

/** The edge's answer for one kernel's publication. */
export interface EdgeResult {
  readonly buildId: BuildId;
  readonly outcome: (typeof OUTCOMES)[number];
  /** The version that was published or is acceptable; for `conflict` the one in force; otherwise 0. */
  readonly version: number;
  readonly missing: readonly Sha256Hex[];
  readonly error: RebootlessError | undefined;
}

/**
 * The largest answer to a batch: some hundred bytes for each kernel, and more for each digest that is
 * missing.
 */
export const MAX_RESULTS_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE = 8192;
/** The most JSON values in an answer: a digest for each update of each kernel. */
const MAX_VALUES = MAX_BATCH * (MAX_UPDATES + 32);

/** Decodes the edge's answer to a batch. @throws RebootlessError `parse`. */
export const decodeResults = (bytes: Uint8Array): readonly EdgeResult[] =>
  new Decoder(parseJson(bytes, "answer", MAX_VALUES), "answer")
    .get("results")
    .array(MAX_BATCH)
    .map(decodeResult);

function decodeResult(result: Decoder): EdgeResult {
  const text = (name: string) => result.get(name).optional((value) => value.string(MAX_MESSAGE));
  const name = result.get("outcome").string();
  const outcome = OUTCOMES.find((known) => known === name) ?? result.fail("has an unknown outcome");
  const missing = result
    .get("missing")
    .optional((list) => list.array(MAX_UPDATES).map((item) => item.as(sha256Hex)));
  return {
    buildId: result.get("build_id").as(buildId),
    outcome,
    version: result.get("version").optional((version) => version.integer(0)) ?? 0,
    missing: missing ?? [],
    error: errorOf(outcome, text("message") ?? "it gave no reason", text("hint")),
  };
}

function errorOf(outcome: EdgeResult["outcome"], message: string, hint: string | undefined) {
  if (outcome === "published" || outcome === "acceptable") return undefined;
  if (outcome === "conflict") return new RebootlessError("conflict", `others published first: ${message}`);
  return refusedFor(message, hint);
}

/** Makes the error of a publication that the edge refused. @param reason the reason that the edge gave. */
export const refusedFor = (reason: string, hint?: string): RebootlessError =>
  new RebootlessError(
    "refused",
    `the edge refused the publication: ${reason}`,
    hint === undefined ? {} : { hint },
  );
