import type { ObjectName } from "../../shared/brand.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import type { LoadedPatch } from "../engines/engine.ts";

/** The patches that replace a function of the kernel or of a module, by their names, sorted. */
export interface Replacements {
  /** The updates in force that replace the function at this place, by what was signed. */
  readonly expected: readonly string[];
  /** The patches in force that the kernel lists for a function of this name. */
  readonly listed: readonly string[];
}

/**
 * @param fn the function as it was signed for: one build of a module is linked at the same offsets for every update.
 * @param updates all updates that the feed has.
 */
export function replacementsOf(
  object: ObjectName,
  fn: FunctionFingerprint,
  updates: readonly Update[],
  loaded: readonly LoadedPatch[],
): Replacements {
  const inForce = loaded.filter(({ state }) => state !== "disabled");
  const names = new Set(inForce.map(({ name }) => name));
  const ours = updates.filter(({ module }) => names.has(module.name));
  const expected = ours.filter((update) =>
    functionsOf(update, object).some(({ offset }) => offset === fn.offset),
  );
  // The kernel lists names, and names repeat: an update of ours may rightly replace another function of the same name.
  const ofNamesake = new Set(
    ours.filter((update) => !expected.includes(update)).map(({ module }) => module.name as string),
  );
  const listed = inForce.filter(
    ({ name, functions }) =>
      !ofNamesake.has(name) && functions.some((entry) => isNamed(entry, object, fn.name)),
  );
  return {
    expected: expected.map(({ module }) => module.name).sort(),
    listed: listed.map(({ name }) => name).sort(),
  };
}

const functionsOf = ({ objects }: Update, object: ObjectName): readonly FunctionFingerprint[] =>
  objects.find(({ name }) => name === object)?.functions ?? [];

/** @param entry `object/function,position`, as the kernel lists it. */
const isNamed = (entry: string, object: ObjectName, name: string): boolean =>
  entry.slice(0, entry.lastIndexOf(",")) === `${object}/${name}`;
