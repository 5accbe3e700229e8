import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { counted } from "../../../shared/counted.ts";
import { RELOCATION_FIELDS } from "../../../shared/elf/rela.ts";
import { SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { MAX_STRING } from "../../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import type { PartPlace, PatchObject, PatchRelocation, PatchSection, PatchTarget } from "../patch_object.ts";
import type { ModulePlace, ModuleSections, ModuleTarget } from "./module_sections.ts";
import type { ModuleSymbol } from "./symbol_entries.ts";

/** A unit whose sections have been put into the module. */
export interface PlacedUnit {
  readonly unit: PatchObject;
  readonly symbols: readonly ModuleSymbol[];
  /**
   * Returns where a place in one of the unit's sections is in the module.
   * @throws ParseError if the unit has no such place.
   */
  place(section: number, offset: number): ModulePlace;
}

/**
 * The tables that the loader works through when the module is loaded. Entries about a kernel object that is
 * loaded later cannot be resolved by then (Documentation/livepatch/module-elf-format.rst: special sections).
 */
const READ_AT_LOAD = new Set([
  ".altinstr_replacement",
  ".altinstructions",
  ".call_sites",
  ".ibt_endbr_seal",
  ".orc_unwind_ip",
  ".parainstructions",
  ".retpoline_sites",
  ".return_sites",
  ".smp_locks",
  ".static_call_sites",
  "__bug_table",
  "__ex_table",
  "__jump_table",
  "__mcount_loc",
]);

/**
 * Puts a unit's sections into the module, without their relocations.
 * @throws ParseError.
 * @throws RebootlessError `unsupported`, `limit`.
 */
export function placeUnit(sections: ModuleSections, unit: PatchObject): PlacedUnit {
  const starts = unit.sections.map((section) => sections.append(requireWhole(section)));
  const place: PlacedUnit["place"] = (section, offset) => {
    const start = starts[section];
    const size = unit.sections[section]?.size ?? 0;
    if (start === undefined || !Number.isInteger(offset) || offset < 0 || offset > size)
      throw new ParseError(`${unit.source}: no place ${offset} in its section ${section}`);
    return { section: start.section, offset: start.offset + offset };
  };
  const symbols = unit.symbols.map(({ name, section, offset, size, kind }) => ({
    name: requireName(name),
    place: place(section, offset),
    size,
    kind,
    isGlobal: false,
  }));
  return { unit, symbols, place };
}

/**
 * Adds the relocations of a unit's sections.
 * @param units all units of the module, which have been put into it.
 * @throws ParseError.
 * @throws RebootlessError `unsupported`, `limit`.
 */
export function relocateUnit(
  sections: ModuleSections,
  { unit, place }: PlacedUnit,
  units: readonly PlacedUnit[],
): void {
  for (const [index, section] of unit.sections.entries()) {
    for (const relocation of section.relocations) {
      requireField(unit, section, relocation);
      const { type, addend } = relocation;
      const target =
        relocation.target.kind === "part"
          ? partTarget(relocation.target, units)
          : targetOf(unit, section, relocation.target, place);
      sections.relocate(place(index, relocation.offset), type, target, addend);
    }
  }
}

function partTarget(target: PartPlace, units: readonly PlacedUnit[]): ModuleTarget {
  const part = units.find(({ unit }) => unit.object === target.object && unit.source === target.source);
  if (part === undefined) throw new ParseError(`the module has no part for ${target.object}`);
  return { kind: "place", place: part.place(target.section, target.offset) };
}

function requireWhole(section: PatchSection): PatchSection {
  const expected = section.type === SECTION_TYPE.nobits ? 0 : section.size;
  if (section.bytes.length === expected) return section;
  throw new ParseError(`${section.name}: ${counted(section.bytes.length, "byte")} of ${expected}`);
}

/**
 * Refuses a relocation of a type that the loader does not know, or of a field that is not zero, which would
 * make the loader refuse the whole module.
 */
function requireField(unit: PatchObject, section: PatchSection, { offset, type }: PatchRelocation): void {
  const length = RELOCATION_FIELDS.get(type)?.size;
  if (length === undefined) {
    throw new RebootlessError("unsupported", `${unit.source} ${section.name}: a relocation of type ${type}`, {
      hint: "The kernel's module loader does not know this type. Was the unit compiled in the way kbuild does it?",
    });
  }
  const field = section.bytes.subarray(offset, offset + length);
  if (field.length === length && field.every((byte) => byte === 0)) return;
  throw new ParseError(`${unit.source} ${section.name}: no ${length} zero bytes at ${offset} to relocate`);
}

function targetOf(
  unit: PatchObject,
  section: PatchSection,
  target: Exclude<PatchTarget, { kind: "part" }>,
  place: PlacedUnit["place"],
): ModuleTarget {
  if (target.kind === "own") return { kind: "place", place: place(target.section, target.offset) };
  if (target.kind === "export") return { kind: "symbol", name: requireName(target.name) };
  const object = tableObject(unit, target.object);
  if (object !== VMLINUX && READ_AT_LOAD.has(section.name)) {
    throw new RebootlessError(
      "unsupported",
      `${unit.source}: ${section.name} refers to ${target.name} of ${target.object}, which may not be loaded`,
      { hint: "Write the new code without a jump label, static call or alternative that uses it." },
    );
  }
  return { kind: "livepatch", object, symbol: requireName(livepatchName(target)) };
}

const livepatchName = ({ object, name, position }: Extract<PatchTarget, { kind: "livepatch" }>): string =>
  `.klp.sym.${object}.${name},${position}`;

/**
 * Returns the object whose loading makes livepatch resolve the symbol. Symbols of the kernel are resolved at
 * once. All others are resolved when the object that the unit is for is loaded, because the objects that it
 * depends on are loaded by then too. (A module's table must not name symbols of vmlinux. Livepatch looks at
 * tables only for the objects in which the module replaces something.)
 */
function tableObject(unit: PatchObject, object: ObjectName): ObjectName {
  if (object === VMLINUX) return object;
  if (unit.object !== VMLINUX) return unit.object;
  throw new RebootlessError("unsupported", `${unit.source} is built in and refers to the module ${object}`);
}

/**
 * Refuses names that the kernel would not take: a longer one makes the loader refuse the module, and a comma
 * would end a livepatch symbol's name.
 */
function requireName(name: string): string {
  if (name.length > 0 && name.length < MAX_STRING && /^[\x21-\x7e]+$/.test(name)) return name;
  throw new RebootlessError("unsupported", `not a symbol's name: ${JSON.stringify(name.slice(0, 80))}`);
}
