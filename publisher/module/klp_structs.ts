import { type ObjectName, VMLINUX } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { SECTION_FLAG } from "../../shared/elf/sections.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { MAX_FUNCTIONS } from "../../shared/limits.ts";
import type { Field } from "../../shared/struct.ts";
import { KLP_FUNC, KLP_OBJECT, KLP_PATCH, POINTER } from "./kernel_structs.ts";
import { arrayEntries, isEmptyArray } from "./klp_array.ts";
import type { ObjectFile, SectionPlace } from "./object_file.ts";
import {
  CALLBACKS,
  type Callback,
  checkedFunction,
  type LivepatchObject,
  type ReplacedFunction,
  targetModule,
} from "./target_objects.ts";

// The largest number of objects: as many as there are loaded modules on a large machine.
const MAX_OBJECTS = 4096;
const THIS_MODULE = "__this_module";

/**
 * Reads the objects of the only klp_patch of a module.
 * @throws ParseError, RebootlessError `unsupported` if the module does not have exactly one, `limit`.
 */
export function patchObjects(file: ObjectFile): readonly LivepatchObject[] {
  const patches = file.sections
    .filter((s) => (s.flags & SECTION_FLAG.write) !== 0n && (s.flags & SECTION_FLAG.alloc) !== 0n)
    .flatMap(({ index }) => patchesIn(file, index));
  const [objects] = patches;
  if (objects === undefined || patches.length > 1) {
    throw new RebootlessError(
      "unsupported",
      `the module has ${patches.length} klp_patch structures, not one`,
      {
        hint: "Its struct klp_patch, objects and functions must be initialised data, as in the kernel's samples.",
      },
    );
  }
  return readObjects(file, objects);
}

/** Finds where the objects of each klp_patch in a section start. */
function patchesIn(file: ObjectFile, section: number): readonly SectionPlace[] {
  return [...file.pointers(section)].flatMap(([offset, { symbol }]) => {
    const objects = pointerAt(file, { section, offset }, KLP_PATCH.fields.objs);
    return symbol === THIS_MODULE && objects !== undefined && isObject(file, objects) ? [objects] : [];
  });
}

/** Returns the place to which a structure's member points, if it is a pointer to a place in this file. */
export const pointerAt = (
  file: ObjectFile,
  { section, offset }: SectionPlace,
  member: Pick<Field<bigint>, "offset">,
): SectionPlace | undefined => file.pointers(section).get(offset + member.offset)?.place;

function isFunction(file: ObjectFile, place: SectionPlace): boolean {
  const name = pointerAt(file, place, KLP_FUNC.fields.name);
  const code = pointerAt(file, place, KLP_FUNC.fields.newFunc);
  return name !== undefined && !file.isCode(name) && code !== undefined && file.isCode(code);
}

function isObject(file: ObjectFile, place: SectionPlace): boolean {
  const functions = pointerAt(file, place, KLP_OBJECT.fields.funcs);
  return functions !== undefined && (isFunction(file, functions) || isEmptyArray(file, functions));
}

function readObjects(file: ObjectFile, start: SectionPlace): readonly LivepatchObject[] {
  const entries = arrayEntries(file, start, "the array of klp_object", (place) => isObject(file, place));
  if (entries.length > MAX_OBJECTS) throw new RebootlessError("limit", `more than ${MAX_OBJECTS} objects`);
  requireDisjoint(file, entries);
  return entries.map((place) => readObject(file, place));
}

/** Refuses arrays that overlap. They would make no sense, and in a hostile file each could be as long as the file. */
function requireDisjoint(file: ObjectFile, objects: readonly SectionPlace[]): void {
  const arrays = objects
    .flatMap((object) => pointerAt(file, object, KLP_OBJECT.fields.funcs) ?? [])
    .filter((array) => !isEmptyArray(file, array));
  arrays.sort((a, b) => a.section - b.section || a.offset - b.offset);
  arrays.reduce<SectionPlace | undefined>((last, array) => {
    const end = last && last.offset + (file.objectSize(last) ?? 0);
    if (
      last?.section === array.section &&
      end !== undefined &&
      array.offset < Math.max(end, last.offset + 1)
    ) {
      throw new ParseError("the arrays of klp_func of two objects overlap");
    }
    return array;
  }, undefined);
}

function readObject(file: ObjectFile, place: SectionPlace): LivepatchObject {
  const start = pointerAt(file, place, KLP_OBJECT.fields.funcs);
  if (start === undefined) throw new ParseError("a klp_object without an array of functions");
  const callbacks = callbacksAt(file, place, KLP_OBJECT.fields.callbacks);
  if (isEmptyArray(file, start)) return { object: readObjectName(file, place), functions: [], callbacks };
  const entries = arrayEntries(file, start, "an array of klp_func", (at) => isFunction(file, at));
  if (entries.length > MAX_FUNCTIONS)
    throw new RebootlessError("limit", `more than ${MAX_FUNCTIONS} functions`);
  const functions = entries.map((entry) => readFunction(file, entry));
  return { object: readObjectName(file, place), functions, callbacks };
}

/** Returns the callbacks of an object: those of its four pointers in a row that point to code. */
export const callbacksAt = (
  file: ObjectFile,
  place: SectionPlace,
  { offset }: Pick<Field<Uint8Array>, "offset">,
): readonly Callback[] =>
  CALLBACKS.filter((_, index) => {
    const code = pointerAt(file, place, { offset: offset + POINTER * index });
    return code !== undefined && file.isCode(code);
  });

/** Reads the name of an object. A null pointer stands for the kernel itself. */
function readObjectName(file: ObjectFile, place: SectionPlace): ObjectName {
  const name = pointerAt(file, place, KLP_OBJECT.fields.name);
  if (name !== undefined)
    return targetModule(stringAt(file.bytes(name.section), name.offset, "klp_object.name"));
  const { section, offset } = place;
  const at = offset + KLP_OBJECT.fields.name.offset;
  const value = new ByteReader(file.bytes(section), "klp_object.name", at).u64();
  const isNull = !file.pointers(section).has(at) && value === 0n;
  if (!isNull) throw new ParseError("klp_object.name points outside of the module");
  return VMLINUX;
}

function readFunction(file: ObjectFile, place: SectionPlace): ReplacedFunction {
  const at = pointerAt(file, place, KLP_FUNC.fields.name);
  if (at === undefined) throw new ParseError("a klp_func without old_name");
  const name = stringAt(file.bytes(at.section), at.offset, "klp_func.old_name");
  const reader = new ByteReader(file.bytes(place.section), "klp_func.old_sympos");
  return checkedFunction(name, KLP_FUNC.fields.position.read(reader, place.offset));
}
