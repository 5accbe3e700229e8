import { sha256Of } from "../../node/crypto.ts";
import type { ObjectName } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { functionChecker } from "../../shared/runpre/check.ts";
import type { FunctionFingerprint, TextMemory } from "../../shared/runpre/fingerprint.ts";
import { rereadUntilStable } from "../apply/reread.ts";
import type { Attachments } from "../attached/attachments.ts";
import {
  type DifferentFunction,
  type ExplainedDifference,
  explainAll,
  type Namesakes,
} from "../attached/explain.ts";
import { firstReading } from "./first_reading.ts";
import type { FunctionSet } from "./function_set.ts";

export interface KernelCheck {
  readonly set: FunctionSet;
  readonly memory: TextMemory;
  /** Reads what is attached, at each reading again; null for a core file, which does not say it and does not change. */
  readonly attachments: (() => Promise<Attachments>) | null;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly progress: (line: string) => void;
}

export interface KernelVerdict {
  readonly functions: number;
  /** The size of all functions together. */
  readonly bytes: number;
  readonly matched: number;
  readonly differing: readonly LocatedDifference[];
  /** The files of the kernel that could not be read. */
  readonly unread: readonly string[];
}

/** A function that differs, with the object that it belongs to. */
export interface LocatedDifference extends ExplainedDifference {
  readonly object: ObjectName;
}

/** Joins the verdicts on the kernel and its modules. */
export function joinVerdicts(verdicts: readonly KernelVerdict[]): KernelVerdict {
  const sum = (count: (verdict: KernelVerdict) => number): number =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    functions: sum(({ functions }) => functions),
    bytes: sum(({ bytes }) => bytes),
    matched: sum(({ matched }) => matched),
    differing: verdicts.flatMap(({ differing }) => differing),
    unread: [...new Set(verdicts.flatMap(({ unread }) => unread))],
  };
}

/**
 * Compares every function of a set with a kernel's memory. A function that differs is read again, with the kernel's
 * variables, and is reported only if it differs each time.
 *
 * @throws ParseError for a set that is malformed; and whatever reading throws.
 */
export async function checkKernel(check: KernelCheck): Promise<KernelVerdict> {
  const { set, memory, attachments, sleep, progress } = check;
  const { name: object } = set.object;
  progress(`checking ${counted(set.count, "function")} of ${object}`);
  const { different, bytes } = firstReading(set, memory);
  const namesakes = namesakesIn(set);
  if (attachments === null) {
    refuseHoles(different, memory);
    const differing = explainAll(different, undefined, namesakes).map((found) => ({ ...found, object }));
    return { functions: set.count, bytes, matched: set.count - differing.length, differing, unread: [] };
  }
  let differing: readonly LocatedDifference[] = [];
  let unread: readonly string[] = [];
  const candidates = different.map(({ fn }) => fn);
  await rereadUntilStable(
    candidates,
    async (left) => {
      if (left.length < candidates.length)
        progress(`reading again ${counted(left.length, "function")} that did not match`);
      const now = await attachments();
      differing = explainAll(differentFunctions(candidates, set, memory), now, namesakes, object).map(
        (found) => ({
          ...found,
          object,
        }),
      );
      unread = now.unread;
      return differing.filter(({ reason }) => reason.why === "unexplained").map(({ fn }) => fn);
    },
    sleep,
  );
  return { functions: set.count, bytes, matched: set.count - differing.length, differing, unread };
}

/** Reads functions once, and the kernel's variables once for all of them. Returns those that differ. */
function differentFunctions(
  functions: readonly FunctionFingerprint[],
  set: FunctionSet,
  memory: TextMemory,
): readonly DifferentFunction[] {
  const check = functionChecker(set.landmarks, memory, sha256Of, set.moves);
  return functions.flatMap((fn) => {
    const result = check(fn);
    return result.result === "match" ? [] : [{ fn, result }];
  });
}

/** Looks up functions by name. The index is made when the first one is looked up. */
function namesakesIn(set: FunctionSet): Namesakes {
  let places: Map<string, number[]> | undefined;
  const build = (): Map<string, number[]> => {
    const all = new Map<string, number[]>();
    for (let i = 0; i < set.count; i++) {
      const same = all.get(set.name(i));
      if (same === undefined) all.set(set.name(i), [set.offset(i)]);
      else same.push(set.offset(i));
    }
    return all;
  };
  return (name) => {
    places ??= build();
    return places.get(name) ?? [];
  };
}

/**
 * Refuses a core file in which functions are only zeros. They were left out when it was made, which says nothing about the
 * kernel.
 */
function refuseHoles(different: readonly DifferentFunction[], memory: TextMemory): void {
  const holes = different.filter(
    ({ fn, result }) =>
      result.result === "mismatch" && memory.read(fn.offset, fn.size).every((byte) => byte === 0),
  );
  const first = holes[0];
  if (first === undefined) return;
  throw new RebootlessError(
    "io",
    `the core file has holes: there are only zeros in ${counted(holes.length, "function")}, of which the first is ${first.fn.name}`,
    {
      hint: "It does not contain all of the kernel's text. Make it again, without filters.",
    },
  );
}
