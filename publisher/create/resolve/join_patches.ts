import type { ObjectName } from "../../../shared/brand.ts";
import { groupBy } from "../../../shared/group_by.ts";
import type { ChangeRefusal } from "../diff/refusal.ts";
import type { PatchObject, PatchRelocation, PatchTarget } from "../patch_object.ts";
import type { RelyOn } from "./dependencies.ts";
import { refuseUnloaded } from "./unloaded.ts";

/** A unit's part of an update, and what it refers to in other units' parts. */
export interface UnitPatch {
  readonly patch: PatchObject;
  /** The relocations of sections of the patch that have no target until the parts are joined. */
  readonly shared: readonly SharedReference[];
  /** The places of the global symbols that the patch defines. */
  readonly given: ReadonlyMap<string, Placed>;
}

/** A place in a patch. */
export interface Placed {
  readonly section: number;
  readonly offset: number;
}

export interface SharedReference {
  /** The index of the section in the patch. */
  readonly section: number;
  readonly relocation: Omit<PatchRelocation, "target">;
  /** The name of a global symbol of another unit of the update, and the object of that unit. */
  readonly name: string;
  readonly object: ObjectName;
}

export type JoinOutcome =
  | { readonly kind: "joined"; readonly patches: readonly PatchObject[] }
  | { readonly kind: "refused"; readonly refusals: readonly ChangeRefusal[] };

/**
 * Joins the parts of an update that refer to each other's new functions and data. All parts for one kernel
 * object become one. It refuses a reference into the part for a module that may not be loaded when it is used.
 * @throws RangeError for a name that no part defines.
 */
export function joinPatches(parts: readonly UnitPatch[], relyOn: RelyOn): JoinOutcome {
  const linked = new Set(
    parts.flatMap(({ patch, shared }) =>
      shared.length === 0 ? [] : [patch.object, ...shared.map(({ object }) => object)],
    ),
  );
  const apart = parts.filter(({ patch }) => !linked.has(patch.object)).map(({ patch }) => patch);
  const grouped = groupBy(
    parts.filter(({ patch }) => linked.has(patch.object)),
    ({ patch }) => patch.object,
  );
  const merged = new Map([...grouped].map(([object, group]) => [object, merge(group)]));
  const joined = [...merged.values()].map((part) => link(part, merged));
  const refusals = joined.flatMap((patch) => refuseUnloaded(patch, joined, relyOn));
  return refusals.length > 0
    ? { kind: "refused", refusals }
    : { kind: "joined", patches: [...apart, ...joined] };
}

/** Makes one part of all parts for an object. */
function merge(parts: readonly UnitPatch[]): UnitPatch {
  const [first] = parts;
  if (first === undefined) throw new RangeError("nothing to join");
  const moved = parts.map((part, i) =>
    shifted(
      part,
      parts.slice(0, i).reduce((sections, { patch }) => sections + patch.sections.length, 0),
    ),
  );
  return {
    patch: {
      object: first.patch.object,
      source: first.patch.source,
      symbols: moved.flatMap(({ patch }) => patch.symbols),
      sections: moved.flatMap(({ patch }) => patch.sections),
      replaces: moved.flatMap(({ patch }) => patch.replaces),
      importNamespaces: [...new Set(parts.flatMap(({ patch }) => patch.importNamespaces))],
    },
    shared: moved.flatMap(({ shared }) => shared),
    given: new Map(moved.flatMap(({ given }) => [...given])),
  };
}

/** Returns a part with the numbers of its sections counted from another number on. */
function shifted({ patch, shared, given }: UnitPatch, by: number): UnitPatch {
  const shift = <T extends Placed>(one: T): T => ({ ...one, section: one.section + by });
  const targetOf = (target: PatchTarget): PatchTarget => (target.kind === "own" ? shift(target) : target);
  const sections = patch.sections.map((section) => ({
    ...section,
    relocations: section.relocations.map((one) => ({ ...one, target: targetOf(one.target) })),
  }));
  return {
    patch: { ...patch, sections, symbols: patch.symbols.map(shift), replaces: patch.replaces.map(shift) },
    shared: shared.map((one) => ({ ...one, section: one.section + by })),
    given: new Map([...given].map(([name, place]) => [name, shift(place)])),
  };
}

/** Gives the references of a part to other parts their targets. */
function link({ patch, shared }: UnitPatch, merged: ReadonlyMap<ObjectName, UnitPatch>): PatchObject {
  const targetOf = ({ name, object }: SharedReference): PatchTarget => {
    const definer = merged.get(object);
    const place = definer?.given.get(name);
    if (definer === undefined || place === undefined)
      throw new RangeError(`no part of ${object} has ${name}`);
    const { section, offset } = place;
    if (object === patch.object) return { kind: "own", section, offset };
    return { kind: "part", object, source: definer.patch.source, section, offset };
  };
  const bySection = groupBy(shared, ({ section }) => section);
  const sections = patch.sections.map((section, number) => ({
    ...section,
    relocations: [
      ...section.relocations,
      ...(bySection.get(number) ?? []).map((one) => ({ ...one.relocation, target: targetOf(one) })),
    ].sort((a, b) => a.offset - b.offset),
  }));
  return { ...patch, sections };
}
