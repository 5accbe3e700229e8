import { sha256Of } from "../../node/crypto.ts";
import { functionChecker } from "../../shared/runpre/check.ts";
import { runChecker } from "../../shared/runpre/file/run_checker.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import type { DifferentFunction } from "../attached/explain.ts";
import { PagedMemory } from "../host/paged_memory.ts";
import { TextWindow } from "../host/text_window.ts";
import type { FunctionSet } from "./function_set.ts";

/** What one reading of all functions found. */
export interface FirstReading {
  readonly different: readonly DifferentFunction[];
  /** The size of all functions together. */
  readonly bytes: number;
}

/**
 * Reads and compares all functions once, whole runs where the set has runs. Only the functions of a run that does not
 * match are looked at one by one.
 *
 * @throws ParseError for a set that is malformed; and whatever reading throws.
 */
export function firstReading(set: FunctionSet, memory: TextMemory): FirstReading {
  const paged = new PagedMemory(memory);
  const different: DifferentFunction[] = [];
  for (const [from, to] of unmatchedRanges(set, paged)) {
    const window = new TextWindow(paged, endOf(set, to));
    const check = functionChecker(set.landmarks, window, sha256Of, set.moves);
    for (let i = from; i < to; i++) {
      const fn = set.at(i);
      window.advance(fn.offset, fn.size);
      const result = check(fn);
      if (result.result !== "match") different.push({ fn, result });
    }
  }
  return { different, bytes: bytesOf(set) };
}

function bytesOf({ runs, count, size }: FunctionSet): number {
  let bytes = 0;
  if (runs === null) for (let i = 0; i < count; i++) bytes += size(i);
  else for (let run = 0; run < runs.count; run++) bytes += runs.length(run);
  return bytes;
}

/** Yields the functions, [from, to), of which it is not known yet that they match. */
function* unmatchedRanges(set: FunctionSet, memory: TextMemory): Generator<readonly [number, number]> {
  const { runs, landmarks, count } = set;
  if (runs === null) {
    yield [0, count];
    return;
  }
  const check = runChecker(runs, landmarks, memory, sha256Of);
  // A window of its own, as the checker changes what it is given.
  const window = new TextWindow(memory, endOf(set, count));
  for (let run = 0; run < runs.count; run++) {
    const start = runs.offset(run);
    const length = runs.length(run);
    window.advance(start, length);
    if (!check(run, window.read(start, length))) yield [runs.first(run), runs.first(run + 1)];
  }
}

/** Returns where the function before function `i` ends. */
const endOf = (set: FunctionSet, i: number): number => (i === 0 ? 0 : set.offset(i - 1) + set.size(i - 1));
