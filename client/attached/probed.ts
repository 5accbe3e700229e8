import type { Difference } from "../../shared/runpre/check.ts";
import type { Kprobe } from "./kprobes.ts";

const INT3 = "cc";
const JUMP = "e9";
const JUMP_LENGTH = 5;

/**
 * Explains the differences of a function by kprobes. Each difference must contain the int3 or the jump of a probe at the
 * place where the kernel lists it, and nothing else may differ if the expected bytes are known. If only the block is known
 * in which something differs, its other bytes are `unjudged`.
 *
 * @returns the probes, or undefined if they do not explain every difference.
 */
export function explainByProbes(
  differences: readonly Difference[],
  probes: readonly Kprobe[],
): { readonly by: readonly string[]; readonly unjudged: number } | undefined {
  const by = new Set<Kprobe>();
  let unjudged = 0;
  for (const difference of differences) {
    const written = new Set<number>();
    for (const probe of probes) {
      const places = placesOf(probe, difference);
      if (places.length > 0) by.add(probe);
      for (const place of places) written.add(place);
    }
    if (written.size === 0 || isOtherwiseChanged(difference, written)) return undefined;
    if (difference.expected === undefined) unjudged += difference.length - written.size;
  }
  return { by: [...by].map(({ name, offset }) => `${name}+0x${offset.toString(16)}`), unjudged };
}

/** Returns the positions in a difference that a probe has written; none if its instruction is not there. */
function placesOf({ offset, optimised }: Kprobe, difference: Difference): readonly number[] {
  const at = offset - difference.offset;
  const length = optimised ? JUMP_LENGTH : 1;
  if (at >= 0 && at < difference.length && byteAt(difference.found, at) !== (optimised ? JUMP : INT3))
    return [];
  return Array.from({ length }, (_, i) => at + i).filter((place) => place >= 0 && place < difference.length);
}

function isOtherwiseChanged({ expected, found, length }: Difference, written: ReadonlySet<number>): boolean {
  if (expected === undefined) return false;
  return Array.from({ length }, (_, i) => i).some(
    (i) => !written.has(i) && byteAt(found, i) !== byteAt(expected, i),
  );
}

const byteAt = (hex: string, at: number): string => hex.slice(2 * at, 2 * at + 2);
