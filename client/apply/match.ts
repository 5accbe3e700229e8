import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { checkFunction } from "../../shared/runpre/check.ts";
import type { FunctionFingerprint, KernelLandmarks, TextMemory } from "../../shared/runpre/fingerprint.ts";
import { sha256 } from "../host/sha256.ts";

/** A text poke in flight (a jump label, a probe) leaves an int3 for a moment: a mismatch must last. */
const READINGS = 3;

/**
 * Compares every function that an update replaces with the running kernel's memory. Throws `runpre` at the first
 * that differs, naming it and the place, or `unsupported` for target objects that cannot be matched.
 *
 * @param replaced offsets from `_text` of functions that applied updates replace: their entry is a call, rightly.
 */
export function matchUpdate(
  update: Update,
  landmarks: KernelLandmarks,
  memory: TextMemory,
  replaced: ReadonlySet<number>,
): { readonly functions: number; readonly bytes: number } {
  const functions = update.objects.flatMap((object) => {
    if (object.name === "vmlinux") return object.functions;
    throw new RebootlessError("unsupported", `${update.id} changes the module ${object.name}`, {
      hint: "Functions in modules cannot be matched yet, and what cannot be matched is not replaced.",
    });
  });
  for (const fn of functions) matchFunction(fn, landmarks, memory, replaced);
  return { functions: functions.length, bytes: functions.reduce((sum, fn) => sum + fn.size, 0) };
}

function matchFunction(
  fn: FunctionFingerprint,
  landmarks: KernelLandmarks,
  memory: TextMemory,
  replaced: ReadonlySet<number>,
): void {
  let check = checkFunction(fn, landmarks, memory, sha256);
  for (let again = 1; again < READINGS && check.result === "mismatch"; again++) {
    check = checkFunction(fn, landmarks, memory, sha256);
  }
  if (check.result === "match") return;
  if (check.result === "attached") {
    if (replaced.has(fn.offset)) return;
    throw new RebootlessError("runpre", `something is attached to ${fn.name} in the running kernel`, {
      hint: "A tracer, a probe or another live patch replaced the call at its start. Remove it and try again.",
      details: { function: fn.name, offset: 0 },
    });
  }
  throw mismatch(fn, check.differences);
}

function mismatch(
  fn: FunctionFingerprint,
  differences: Extract<ReturnType<typeof checkFunction>, { result: "mismatch" }>["differences"],
): RebootlessError {
  const first = differences[0];
  const offset = first?.offset ?? 0;
  const bytes = first ? `${first.expected ? `expected ${first.expected}, ` : ""}found ${first.found}` : "";
  const more = differences.length > 1 ? `, and in ${differences.length - 1} more places` : "";
  return new RebootlessError(
    "runpre",
    `${fn.name}+0x${offset.toString(16)} in the running kernel is not the code this update was made for (${bytes}${more})`,
    {
      hint: "Nothing was loaded. Memory was changed by another patch, a rootkit or a fault; compare with a fresh boot.",
      details: { function: fn.name, offset, text_offset: fn.offset + offset },
    },
  );
}
