import {
  type BuildId,
  buildId,
  type ObjectName,
  objectName,
  type Sha256Hex,
  sha256Hex,
} from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_MANIFEST_VALUES, MAX_UPDATES } from "../../shared/limits.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";
import { ACCELERATORS, type Accelerator } from "./guest/qemu.ts";
import { MAX_SHOWN_LINES, TRIAL_FAULTS, type Verdict } from "./judge.ts";
import { STEPS, type StepName, type TimedChange } from "./trial.ts";

/** A file that a draft was tried with. */
interface TriedModule {
  readonly name: ObjectName;
  readonly sha256: Sha256Hex;
}

/** What came of trying a draft on its kernel, in the file beside it. */
export interface TriedDraft {
  readonly when: Instant;
  readonly kernel: { readonly buildId: BuildId; readonly release: string };
  /** All modules of all updates of the draft. */
  readonly modules: readonly TriedModule[];
  /** The machine that ran the kernel: QEMU with this processor. */
  readonly machine: { readonly accelerator: Accelerator; readonly cpu: string };
  /** The digest of the publisher's own script, or null if there was none. */
  readonly exercise: Sha256Hex | null;
  /** The steps that were taken, in order, and the milliseconds that each took. */
  readonly steps: readonly { readonly step: StepName; readonly ms: number }[];
  readonly changes: readonly TimedChange[];
  readonly verdict: Verdict;
}

const FORMAT = 1;
const MAX_MODULES = 10_000;

export const encodeTried = (tried: TriedDraft): Uint8Array => encodeJson(triedToJson(tried));

export function triedToJson(tried: TriedDraft): JsonObject {
  const { when, kernel, modules, machine, exercise, steps, changes, verdict } = tried;
  return jsonObject({
    format: FORMAT,
    ...verdict,
    when: formatInstant(when),
    build_id: kernel.buildId,
    release: kernel.release,
    modules: modules.map(({ name, sha256 }) => jsonObject({ name, sha256 })),
    engine: "qemu",
    accelerator: machine.accelerator,
    cpu: machine.cpu,
    exercise,
    steps: steps.map(({ step, ms }) => jsonObject({ step, ms })),
    changes: changes.map(({ id, did, ms }) => jsonObject({ id, did, ms })),
  });
}

/** Decodes the file that `try` writes. @throws ParseError. */
export function decodeTried(bytes: Uint8Array): TriedDraft {
  const tried = new Decoder(parseJson(bytes, "tried", MAX_MANIFEST_VALUES), "tried");
  tried.get("format").literal(FORMAT);
  tried.get("engine").literal("qemu");
  return {
    when: tried.get("when").as(parseInstant),
    kernel: { buildId: tried.get("build_id").as(buildId), release: tried.get("release").line() },
    modules: tried
      .get("modules")
      .array(MAX_MODULES)
      .map((module) => ({
        name: module.get("name").as(objectName),
        sha256: module.get("sha256").as(sha256Hex),
      })),
    machine: {
      accelerator: oneOf(tried.get("accelerator"), ACCELERATORS),
      cpu: tried.get("cpu").line(),
    },
    exercise: tried.get("exercise").nullable((digest) => digest.as(sha256Hex)),
    steps: tried
      .get("steps")
      .array(2 * STEPS.length)
      .map((step) => ({ step: oneOf(step.get("step"), STEPS), ms: step.get("ms").integer(0) })),
    changes: tried
      .get("changes")
      .array(3 * MAX_UPDATES)
      .map((change) => ({
        id: change.get("id").line(),
        did: oneOf(change.get("did"), ["applied", "undone"]),
        ms: change.get("ms").integer(0),
      })),
    verdict: decodeVerdict(tried),
  };
}

function decodeVerdict(tried: Decoder): Verdict {
  const verdict = oneOf(tried.get("verdict"), ["ok", "bad"]);
  if (verdict === "ok") return { verdict };
  return {
    verdict,
    fault: oneOf(tried.get("fault"), TRIAL_FAULTS),
    step: oneOf(tried.get("step"), STEPS),
    detail: tried.get("detail").line(),
    lines: tried
      .get("lines")
      .array(MAX_SHOWN_LINES)
      .map((line) => line.line()),
  };
}

function oneOf<T extends string>(text: Decoder, allowed: readonly T[]): T {
  return allowed.find((one) => one === text.value) ?? text.fail(`not one of ${allowed.join(", ")}`);
}
