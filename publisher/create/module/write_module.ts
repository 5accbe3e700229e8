import { createHash } from "node:crypto";
import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { NT_GNU_BUILD_ID } from "../../../shared/elf/notes.ts";
import { parseSections, SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { NOTE_HEADER } from "../../../shared/elf/structs.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { MAX_ARTIFACT_BYTES } from "../../../shared/limits.ts";
import { CALLBACKS, type Callback } from "../../module/target_objects.ts";
import type { PatchObject } from "../patch_object.ts";
import { encodeElf } from "./elf_file.ts";
import { KlpData, type KlpObject } from "./klp_data.ts";
import { writeCode, writeModinfo, writeThisModule, writeVersions } from "./module_frame.ts";
import type { ModuleKernel } from "./module_kernel.ts";
import { type ModulePlace, ModuleSections } from "./module_sections.ts";
import { type PlacedUnit, placeUnit, relocateUnit } from "./place_unit.ts";

/** The content of a livepatch module. */
export interface ModuleInput {
  readonly name: ObjectName;
  readonly kernel: ModuleKernel;
  /** The units, in any order: the same units make the same module. */
  readonly units: readonly PatchObject[];
  /**
   * The author's own units, at most one for each object. Functions of these and of other units that are named
   * pre_patch, post_patch, pre_unpatch or post_unpatch are called around the patching of their object.
   */
  readonly hooks: readonly PatchObject[];
  /** True if the module takes out every other live patch. */
  readonly replace: boolean;
}

const BUILD_ID_SECTION = ".note.gnu.build-id";
const BUILD_ID_SIZE = 20;

/**
 * Writes a livepatch module (.ko) in the form that the kernel's module loader and livepatch require
 * (Documentation/livepatch/module-elf-format.rst, Linux 6.1 to 7.3). The same input gives the same bytes.
 * @throws ParseError for a unit that contradicts itself.
 * @throws RebootlessError `usage`, `unsupported`, `limit`.
 */
export function writeModule({ name, kernel, units, hooks, replace }: ModuleInput): Uint8Array {
  const sections = new ModuleSections();
  sections.append(buildIdNote());
  const placed = sorted(units).map((unit) => placeUnit(sections, unit));
  const placedHooks = sorted(hooks).map((unit) => placeUnit(sections, unit));
  const all = [...placed, ...placedHooks];
  for (const unit of all) relocateUnit(sections, unit, placed);
  const data = new KlpData(sections, kernel.structs);
  const patch = data.patch(klpObjects(placed, placedHooks), replace);
  const symbols = [
    ...all.flatMap((unit) => unit.symbols),
    ...data.symbols,
    ...writeCode(sections, kernel, patch),
    writeThisModule(sections, kernel, name),
  ];
  writeModinfo(
    sections,
    kernel,
    name,
    all.flatMap(({ unit }) => unit.importNamespaces),
  );
  writeVersions(sections, kernel, usedExports(all));
  const file = encodeElf(sections.finish(), symbols);
  if (file.length > MAX_ARTIFACT_BYTES)
    throw new RebootlessError("limit", `the module has ${file.length} bytes, at most ${MAX_ARTIFACT_BYTES}`);
  return withBuildId(file);
}

/** Sorts units into an order that does not depend on how they were made. */
function sorted(units: readonly PatchObject[]): readonly PatchObject[] {
  const order = units.toSorted((a, b) => compare(a.object, b.object) || compare(a.source, b.source));
  const twice = order.find(
    (unit, i) => unit.object === order[i + 1]?.object && unit.source === order[i + 1]?.source,
  );
  if (twice === undefined) return order;
  throw new RebootlessError("usage", `${twice.source} is given twice for ${twice.object}`);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function klpObjects(units: readonly PlacedUnit[], hooks: readonly PlacedUnit[]): readonly KlpObject[] {
  const names = [...new Set([...units, ...hooks].map(({ unit }) => unit.object))];
  // The kernel itself comes first, as people expect. Livepatch does not need this order.
  names.sort((a, b) => Number(b === VMLINUX) - Number(a === VMLINUX) || compare(a, b));
  const objects = names.map((object) => ({
    object,
    functions: klpFunctions(units.filter(({ unit }) => unit.object === object)),
    callbacks: callbacksOf(
      units.filter(({ unit }) => unit.object === object),
      hooks.filter(({ unit }) => unit.object === object),
    ),
  }));
  const isIdle = ({ functions, callbacks }: KlpObject): boolean => functions.length + callbacks.size === 0;
  if (objects.every(isIdle)) throw new RebootlessError("usage", "the module would replace nothing");
  // A part that replaces nothing holds what other parts use. Its object is named only if symbols of that
  // object have to be filled in when it is loaded.
  const needed = new Set(units.filter(({ unit }) => needsObject(unit)).map(({ unit }) => unit.object));
  return objects.filter((one) => !isIdle(one) || needed.has(one.object));
}

const needsObject = ({ sections }: PatchObject): boolean =>
  sections.some(({ relocations }) =>
    relocations.some(({ target }) => target.kind === "livepatch" && target.object !== VMLINUX),
  );

function klpFunctions(units: readonly PlacedUnit[]): KlpObject["functions"] {
  const functions = units.flatMap(({ unit, place }) =>
    unit.replaces.map(({ name, position, section, offset }) => ({
      name,
      position,
      code: place(section, offset),
    })),
  );
  functions.sort((a, b) => compare(a.name, b.name) || a.position - b.position);
  for (const [index, { name, position }] of functions.entries()) {
    const next = functions[index + 1];
    if (next?.name === name && next.position === position)
      throw new RebootlessError("usage", `two units replace the function ${name}`);
  }
  return functions;
}

function callbacksOf(
  units: readonly PlacedUnit[],
  hooks: readonly PlacedUnit[],
): ReadonlyMap<Callback, ModulePlace> {
  const callbacks = new Map<Callback, ModulePlace>();
  for (const { unit, place } of [...units, ...hooks]) {
    for (const { name, section, offset } of unit.symbols.filter(({ kind }) => kind === "function")) {
      const callback = CALLBACKS.find((known) => known === name);
      if (callback === undefined) continue;
      if (callbacks.has(callback))
        throw new RebootlessError("usage", `${unit.object} has two functions named ${callback}`);
      callbacks.set(callback, place(section, offset));
    }
  }
  if (hooks.length === 0 || callbacks.size > 0) return callbacks;
  const [first] = hooks;
  throw new RebootlessError("usage", `${first?.unit.source} has no hook for ${first?.unit.object}`, {
    hint: `Name the functions ${CALLBACKS.join(", ")}.`,
  });
}

function usedExports(units: readonly PlacedUnit[]): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const { unit } of units) {
    for (const { target } of unit.sections.flatMap(({ relocations }) => relocations)) {
      if (target.kind !== "export") continue;
      if ((used.get(target.name) ?? target.crc) !== target.crc)
        throw new RebootlessError("usage", `two units need different versions of ${target.name}`);
      used.set(target.name, target.crc);
    }
  }
  return used;
}

/** Makes the note with a build ID of zeroes, which is filled in when the rest of the file is complete. */
function buildIdNote() {
  const name = utf8("GNU\0");
  const header = { nameSize: name.length, descriptionSize: BUILD_ID_SIZE, type: NT_GNU_BUILD_ID };
  const bytes = concatBytes([NOTE_HEADER.encode(header), name, new Uint8Array(BUILD_ID_SIZE)]);
  const shape = { name: BUILD_ID_SECTION, type: SECTION_TYPE.note, flags: SECTION_FLAG.alloc, align: 4 };
  return { ...shape, entrySize: 0, size: bytes.length, bytes };
}

/** Fills in the build ID, which is computed from the bytes of the file. */
function withBuildId(file: Uint8Array): Uint8Array {
  const section = parseSections(file).find(({ name }) => name === BUILD_ID_SECTION);
  if (section === undefined) throw new RangeError("a module without a build ID");
  const digest = createHash("sha256").update(file).digest().subarray(0, BUILD_ID_SIZE);
  file.set(digest, section.fileOffset + section.size - BUILD_ID_SIZE);
  return file;
}
