import { RebootlessError } from "../../../shared/errors.ts";
import type { PatchObject, PatchRelocation, PatchSymbol, PatchTarget } from "../patch_object.ts";

/** A unit's part of an update, and what it refers to in other units' parts. */
export interface UnitPatch {
  readonly patch: PatchObject;
  /** The relocations of sections of the patch that have no target until the parts are joined. */
  readonly shared: readonly SharedReference[];
}

export interface SharedReference {
  /** The index of the section in the patch. */
  readonly section: number;
  readonly relocation: Omit<PatchRelocation, "target">;
  /** The name of a global symbol of another unit of the update. */
  readonly name: string;
}

/**
 * Joins the parts of an update that refer to each other's new functions and data. All parts for one kernel
 * object become one.
 * @throws RebootlessError `unsupported` for a name that no part of the same object has.
 */
export function joinPatches(parts: readonly UnitPatch[]): readonly PatchObject[] {
  const objects = [
    ...new Set(parts.filter(({ shared }) => shared.length > 0).map(({ patch }) => patch.object)),
  ];
  const apart = parts.filter(({ patch }) => !objects.includes(patch.object)).map(({ patch }) => patch);
  const joined = objects.map((object) => joinObject(parts.filter(({ patch }) => patch.object === object)));
  return [...apart, ...joined];
}

function joinObject(parts: readonly UnitPatch[]): PatchObject {
  const [first] = parts;
  if (first === undefined) throw new RangeError("nothing to join");
  const shifts = shiftsOf(parts);
  const symbols = parts.flatMap(({ patch }, i) =>
    patch.symbols.map((symbol): PatchSymbol => ({ ...symbol, section: symbol.section + (shifts[i] ?? 0) })),
  );
  const byName = new Map(symbols.map((symbol) => [symbol.name, symbol] as const));
  const targetOf = ({ name }: SharedReference): PatchTarget => {
    const symbol = byName.get(name);
    if (symbol !== undefined) return { kind: "own", section: symbol.section, offset: symbol.offset };
    throw new RebootlessError(
      "unsupported",
      `${first.patch.object} refers to ${name}, which is new in another object`,
      {
        hint: "Define it in the object that uses it.",
      },
    );
  };
  return {
    object: first.patch.object,
    source: first.patch.source,
    symbols,
    sections: parts.flatMap(({ patch, shared }, i) =>
      patch.sections.map((section, number) => ({
        ...section,
        relocations: [
          ...section.relocations.map((relocation) => shifted(relocation, shifts[i] ?? 0)),
          ...shared
            .filter((reference) => reference.section === number)
            .map((reference) => ({ ...reference.relocation, target: targetOf(reference) })),
        ].sort((a, b) => a.offset - b.offset),
      })),
    ),
    replaces: parts.flatMap(({ patch }, i) =>
      patch.replaces.map((one) => ({ ...one, section: one.section + (shifts[i] ?? 0) })),
    ),
    importNamespaces: [...new Set(parts.flatMap(({ patch }) => patch.importNamespaces))],
  };
}

/** Returns, for each part, the number of sections that come before its own. */
function shiftsOf(parts: readonly UnitPatch[]): readonly number[] {
  let sections = 0;
  return parts.map(({ patch }) => {
    sections += patch.sections.length;
    return sections - patch.sections.length;
  });
}

const shifted = ({ target, ...relocation }: PatchRelocation, by: number): PatchRelocation => ({
  ...relocation,
  target: target.kind === "own" ? { ...target, section: target.section + by } : target,
});
