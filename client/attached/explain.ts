import { type ObjectName, VMLINUX } from "../../shared/brand.ts";
import type { Difference, RunpreResult } from "../../shared/runpre/check.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import type { Attachments } from "./attachments.ts";
import { explainByProbes } from "./probed.ts";

/** A function that does not match its fingerprint, or that something is attached to. */
export interface DifferentFunction {
  readonly fn: FunctionFingerprint;
  readonly result: Exclude<RunpreResult, { result: "match" }>;
}

/**
 * The reason why a function differs.
 * - `livepatched`: these patches replace it. `traced`: these callbacks of ftrace are called at its start. `probed`: kprobes
 *   are at these places; `unjudged` bytes beside them are not checked.
 * - `attached`: something is attached to it, and it is not known what, because this is a core file.
 * - `unexplained`: the kernel lists nothing that explains it.
 */
export type Reason =
  | { readonly why: "livepatched" | "traced"; readonly by: readonly string[] }
  | { readonly why: "probed"; readonly by: readonly string[]; readonly unjudged: number }
  | { readonly why: "attached" | "unexplained" };

export interface ExplainedDifference extends DifferentFunction {
  readonly reason: Reason;
}

/** Returns the offsets from `_text` of all functions of a name, in ascending order. */
export type Namesakes = (name: string) => readonly number[];

/**
 * Explains differences by what the kernel lists. Each line of a list explains one function, also if two have the same name.
 *
 * @param object the object of all the functions: the kernel or a module.
 */
export function explainAll(
  different: readonly DifferentFunction[],
  said: Attachments | undefined,
  namesakes: Namesakes,
  object: ObjectName = VMLINUX,
): readonly ExplainedDifference[] {
  if (said === undefined) return different.map(withoutKernel);
  const attachments = ofObject(said, object);
  const traced = new UnusedLines(attachments.traced, ({ name }) => name);
  const atEntry = new UnusedLines(
    attachments.probes.filter(({ ftrace }) => ftrace),
    ({ name }) => name,
  );
  const patchesOf = patchFinder(attachments, namesakes, object);
  return different.map((one): ExplainedDifference => {
    const { fn, result } = one;
    if (result.result === "mismatch") {
      return { ...one, reason: explainMismatch(one.fn, result.differences, attachments) };
    }
    const patches = patchesOf(fn);
    const line = traced.take(fn.name);
    const probe = atEntry.take(fn.name);
    if (patches.length > 0) return { ...one, reason: { why: "livepatched", by: patches } };
    if (probe !== undefined) {
      const place = `${probe.name}+0x${probe.offset.toString(16)}`;
      return { ...one, reason: { why: "probed", by: [place], unjudged: 0 } };
    }
    if (line !== undefined) return { ...one, reason: { why: "traced", by: line.callbacks } };
    return { ...one, reason: { why: "unexplained" } };
  });
}

function ofObject(said: Attachments, object: ObjectName): Attachments {
  const module = object === VMLINUX ? null : object;
  const isOwn = (line: { readonly module: string | null }): boolean => line.module === module;
  return { ...said, traced: said.traced.filter(isOwn), probes: said.probes.filter(isOwn) };
}

const withoutKernel = (one: DifferentFunction): ExplainedDifference => ({
  ...one,
  reason: { why: one.result.result === "attached" ? "attached" : "unexplained" },
});

function explainMismatch(
  fn: FunctionFingerprint,
  differences: readonly Difference[],
  { probes }: Attachments,
): Reason {
  const explained = explainByProbes(
    differences,
    probes.filter(({ name }) => name === fn.name),
  );
  return explained === undefined ? { why: "unexplained" } : { why: "probed", ...explained };
}

/** Finds the patches that replace a function. sysfs lists functions with their position among those of the same name. */
function patchFinder(
  { patches }: Attachments,
  namesakes: Namesakes,
  object: ObjectName,
): (fn: FunctionFingerprint) => string[] {
  const entries = new Map<string, string[]>();
  for (const patch of patches) {
    for (const entry of patch.functions) entries.set(entry, [...(entries.get(entry) ?? []), patch.name]);
  }
  return ({ name, offset }) => {
    const position = Math.max(1, namesakes(name).indexOf(offset) + 1);
    return entries.get(`${object}/${name},${position}`) ?? [];
  };
}

/** The lines of a list by name, each of which is used once. */
class UnusedLines<T> {
  readonly #left = new Map<string, T[]>();

  constructor(lines: readonly T[], nameOf: (line: T) => string) {
    for (const line of lines) {
      const name = nameOf(line);
      const same = this.#left.get(name);
      if (same === undefined) this.#left.set(name, [line]);
      else same.push(line);
    }
  }

  take(name: string): T | undefined {
    return this.#left.get(name)?.shift();
  }
}
