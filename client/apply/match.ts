import { sha256Of } from "../../node/crypto.ts";
import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TargetObject, Update } from "../../shared/feed/update.ts";
import { type Difference, functionChecker, type RunpreResult } from "../../shared/runpre/check.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import { type RunningModules, runningModules } from "../host/modules.ts";
import { objectRefusal, type PlacedObject, placeObject } from "./place_object.ts";
import { replacementsOf } from "./replacements.ts";
import { rereadUntilStable } from "./reread.ts";
import type { ObjectMatch, RunningCode } from "./running_code.ts";

/**
 * Compares every function that an update replaces with the running kernel's memory. A function that other updates
 * already replace must be redirected at its start by exactly the patches that the feed knows to be in force; the rest of
 * its body must be unchanged all the same.
 *
 * @param modules the modules of the running kernel.
 * @throws RebootlessError `runpre` for the first function that differs at every reading, naming it and the place, or for
 *   a module that is not loaded or is another build; `unsupported` for an object whose code cannot be found; or whatever
 *   reading memory throws.
 */
export async function matchUpdate(
  update: Update,
  running: RunningCode,
  modules: RunningModules = runningModules(),
): Promise<{ readonly functions: number; readonly bytes: number }> {
  // All objects are placed before any memory is compared, so that an object that cannot match is reported at once.
  const objects = update.objects.map((object) => {
    const placed = placeObject(object, running, modules);
    if (placed.outcome !== "placed") throw objectRefusal(update, object, placed);
    return { object, placed };
  });
  let functions = 0;
  let bytes = 0;
  for (const { object, placed } of objects) {
    const match = await matchObject(object, placed, running);
    if (match.outcome !== "match") throw objectRefusal(update, object, match);
    functions += match.functions;
    bytes += match.bytes;
  }
  return { functions, bytes };
}

/**
 * Compares the functions of one object with memory.
 *
 * @param placed the place of the object, from `placeObject`.
 */
export async function matchObject(
  object: TargetObject,
  placed: PlacedObject,
  running: RunningCode,
): Promise<ObjectMatch> {
  const { functions } = object;
  const errors = new Map<FunctionFingerprint, RebootlessError>();
  const differs = async (candidates: readonly FunctionFingerprint[]) => {
    const check = functionChecker(placed.landmarks, running.memory, sha256Of, placed.moves);
    for (const fn of candidates) {
      const error = functionError(object.name, fn, check(placed.bind(fn)), running);
      if (error === undefined) errors.delete(fn);
      else errors.set(fn, error);
    }
    return candidates.filter((fn) => errors.has(fn));
  };
  const [first] = await rereadUntilStable(await differs(functions), differs, running.sleep);
  const error = first && errors.get(first);
  if (error) return { outcome: "mismatch", error };
  const bytes = functions.reduce((sum, fn) => sum + fn.size, 0);
  return { outcome: "match", functions: functions.length, bytes };
}

function functionError(
  object: ObjectName,
  fn: FunctionFingerprint,
  check: RunpreResult,
  { updates, loaded }: RunningCode,
): RebootlessError | undefined {
  if (check.result === "mismatch") return mismatch(fn, check.differences);
  const { expected, listed } = replacementsOf(object, fn, updates, loaded);
  if (check.result === "attached") return attachedError(fn, expected, listed);
  if (expected.length === 0) return undefined;
  return refusal(
    fn,
    `${fn.name} is as it booted, and the kernel says that ${expected.join(", ")} replaces it`,
    {
      hint: "Something restored the start of the function. Find out what it was, or reboot.",
      patches: expected.join(","),
    },
  );
}

function attachedError(
  fn: FunctionFingerprint,
  expected: readonly string[],
  listed: readonly string[],
): RebootlessError | undefined {
  const foreign = listed.filter((name) => !expected.includes(name));
  if (foreign.length > 0) {
    return refusal(fn, `${fn.name} is replaced by ${foreign.join(", ")}, which this feed knows nothing of`, {
      hint: "Two live patches of one function undo each other's work. Take the other one out, or hold this update.",
      patches: foreign.join(","),
    });
  }
  const missing = expected.filter((name) => !listed.includes(name));
  if (missing.length > 0) {
    return refusal(fn, `${missing.join(", ")} should replace ${fn.name}, and the kernel does not list it`, {
      hint: "The patch in force is not the one that was signed. Undo it, and upgrade again.",
      patches: missing.join(","),
    });
  }
  if (expected.length > 0) return undefined;
  return refusal(fn, `something is attached to ${fn.name} in the running kernel`, {
    hint: "A tracer or a probe replaced the call at its start: `rebootless verify --kernel` says which. Remove it and try again.",
  });
}

const refusal = (
  fn: FunctionFingerprint,
  message: string,
  { hint, ...details }: { readonly hint: string; readonly patches?: string },
): RebootlessError =>
  new RebootlessError("runpre", message, { hint, details: { function: fn.name, offset: 0, ...details } });

function mismatch(fn: FunctionFingerprint, differences: readonly Difference[]): RebootlessError {
  const first = differences[0];
  const offset = first?.offset ?? 0;
  const bytes = first ? `${first.expected ? `expected ${first.expected}, ` : ""}found ${first.found}` : "";
  const more = differences.length > 1 ? `, and in ${differences.length - 1} more places` : "";
  return new RebootlessError(
    "runpre",
    `${fn.name}+0x${offset.toString(16)} in the running kernel is not the code this update was made for (${bytes}${more})`,
    {
      hint: "Nothing was loaded. Memory was changed by another patch, a rootkit or a fault. Compare it with that of a fresh boot.",
      details: { function: fn.name, offset, text_offset: fn.offset + offset },
    },
  );
}
