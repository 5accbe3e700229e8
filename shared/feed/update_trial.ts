import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../brand.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { formatInstant, type Instant, parseInstant } from "../time.ts";

/**
 * The publisher's word that an update was tried on its kernel before it was signed. Only what passed is said, so the
 * verdict is always `ok`.
 */
export interface UpdateTrial {
  readonly when: Instant;
  /** The kernel that it was tried on, which must be that of the manifest. */
  readonly buildId: BuildId;
  /** The machine that ran the kernel: an emulator (`qemu`), what ran its processors, and their model. */
  readonly engine: string;
  readonly accelerator: string;
  readonly cpu: string;
  /** The names of the steps that were taken, in order. */
  readonly steps: readonly string[];
  /** The digest of a script that failed without the update and passed with it, or null if there was none. */
  readonly exercise: Sha256Hex | null;
}

/** The most steps of a trial. Trials have 12. */
const MAX_TRIAL_STEPS = 32;
const WORD = /^[a-z0-9_]{1,32}$/;

export function decodeUpdateTrial(trial: Decoder): UpdateTrial {
  const word = (text: Decoder): string => text.matching(WORD, "a word of a-z, 0-9 and _");
  trial.get("verdict").literal("ok");
  return {
    when: trial.get("when").as(parseInstant),
    buildId: trial.get("build_id").as(buildId),
    engine: word(trial.get("engine")),
    accelerator: word(trial.get("accelerator")),
    cpu: trial.get("cpu").line(),
    steps: trial.get("steps").array(MAX_TRIAL_STEPS).map(word),
    exercise: trial.get("exercise").nullable((digest) => digest.as(sha256Hex)),
  };
}

export const updateTrialToJson = (trial: UpdateTrial): JsonObject =>
  jsonObject({
    verdict: "ok",
    when: formatInstant(trial.when),
    build_id: trial.buildId,
    engine: trial.engine,
    accelerator: trial.accelerator,
    cpu: trial.cpu,
    steps: trial.steps,
    exercise: trial.exercise,
  });

/** Describes a trial in one line for people. */
export const updateTrialText = ({ when, engine, accelerator, cpu, steps, exercise }: UpdateTrial): string =>
  `ok at ${formatInstant(when)} in ${engine} (${accelerator}, ${cpu}), ${
    exercise === null ? "without a reproducer" : "with a reproducer"
  }: ${steps.join(" ")}`;
