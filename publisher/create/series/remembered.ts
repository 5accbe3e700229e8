import { createHash } from "node:crypto";
import type { UnitDifference } from "../difference.ts";
import type { SharedNames } from "../resolve/shared_names.ts";
import type { UnitComparer } from "../unit_comparer.ts";
import type { UnitPair } from "../unit_pair.ts";

/**
 * The most comparisons that are remembered. Each is a unit's part of a module: some KB, up to a few hundred.
 */
const MAX_REMEMBERED = 8192;

/** Returns a comparer that compares the same two versions of a unit only once. */
export function remembered(comparer: UnitComparer): UnitComparer {
  const known = new Map<string, UnitDifference>();
  return {
    ...comparer,
    async compare(pair, shared) {
      const key = keyOf(pair, shared);
      const found = known.get(key);
      if (found !== undefined) return found;
      const difference = await comparer.compare(pair, shared);
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(key, difference);
      return difference;
    },
  };
}

function keyOf({ source, object, before, after }: UnitPair, { given, used }: SharedNames): string {
  const names = [[...given].sort(), [...used].sort(([a], [b]) => (a < b ? -1 : 1))];
  return createHash("sha256")
    .update(JSON.stringify([source, object, before.length, names]))
    .update(before)
    .update(after)
    .digest("hex");
}
