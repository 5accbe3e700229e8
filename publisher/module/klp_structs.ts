import { type ObjectName, objectName, VMLINUX } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { SECTION_FLAG } from "../../shared/elf/sections.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { MAX_FUNCTIONS } from "../../shared/limits.ts";
import { arrayEntries, isEmptyArray } from "./klp_array.ts";
import type { ObjectFile, SectionPlace } from "./object_file.ts";
import {
  CALLBACKS,
  type Callback,
  checkedFunction,
  type LivepatchObject,
  type ReplacedFunction,
} from "./target_objects.ts";

// As many modules as a large machine has loaded.
const MAX_OBJECTS = 4096;
const THIS_MODULE = "__this_module";

// The members that livepatch.h has always had at the front of its structures; what follows them differs between kernels.
//   klp_patch  { +0 module, +8 objects }
//   klp_object { +0 name (0: vmlinux), +8 functions, +16 callbacks (since 4.15) }
//   klp_func   { +0 old_name, +8 new_func, +16 u64 old_sympos }
const SECOND = 8;
const THIRD = 16;
const CALLBACKS_AT = 16;

/** The objects of the one klp_patch of a module. Throws ParseError; RebootlessError `unsupported` if there is not one. */
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

/** Where the objects of each klp_patch in a section start. */
function patchesIn(file: ObjectFile, section: number): readonly SectionPlace[] {
  return [...file.pointers(section)].flatMap(([offset, { symbol }]) => {
    const objects = target(file, { section, offset }, SECOND);
    return symbol === THIS_MODULE && objects !== undefined && isObject(file, objects) ? [objects] : [];
  });
}

/** Where the pointer in a structure's member points, if it is one and stays in the file. */
const target = (
  file: ObjectFile,
  { section, offset }: SectionPlace,
  member: number,
): SectionPlace | undefined => file.pointers(section).get(offset + member)?.place;

function isFunction(file: ObjectFile, place: SectionPlace): boolean {
  const name = target(file, place, 0);
  const code = target(file, place, SECOND);
  return name !== undefined && !file.isCode(name) && code !== undefined && file.isCode(code);
}

function isObject(file: ObjectFile, place: SectionPlace): boolean {
  const functions = target(file, place, SECOND);
  return functions !== undefined && (isFunction(file, functions) || isEmptyArray(file, functions));
}

function readObjects(file: ObjectFile, start: SectionPlace): readonly LivepatchObject[] {
  const entries = arrayEntries(file, start, "the array of klp_object", (place) => isObject(file, place));
  if (entries.length > MAX_OBJECTS) throw new RebootlessError("limit", `more than ${MAX_OBJECTS} objects`);
  requireDisjoint(file, entries);
  return entries.map((place) => readObject(file, place));
}

/** Arrays that overlap make no sense to the kernel, and in a hostile file each could be as long as the file. */
function requireDisjoint(file: ObjectFile, objects: readonly SectionPlace[]): void {
  const arrays = objects
    .flatMap((object) => target(file, object, SECOND) ?? [])
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
  const start = target(file, place, SECOND);
  if (start === undefined) throw new ParseError("a klp_object without an array of functions");
  const callbacks = callbacksAt(file, place, CALLBACKS_AT);
  if (isEmptyArray(file, start)) return { object: readObjectName(file, place), functions: [], callbacks };
  const entries = arrayEntries(file, start, "an array of klp_func", (at) => isFunction(file, at));
  if (entries.length > MAX_FUNCTIONS)
    throw new RebootlessError("limit", `more than ${MAX_FUNCTIONS} functions`);
  const functions = entries.map((entry) => readFunction(file, entry));
  return { object: readObjectName(file, place), functions, callbacks };
}

/** Those of four pointers in a row that lead to code. */
export const callbacksAt = (file: ObjectFile, place: SectionPlace, member: number): readonly Callback[] =>
  CALLBACKS.filter((_, index) => {
    const code = target(file, place, member + SECOND * index);
    return code !== undefined && file.isCode(code);
  });

/** A null pointer stands for the kernel itself. */
function readObjectName(file: ObjectFile, place: SectionPlace): ObjectName {
  const name = target(file, place, 0);
  if (name !== undefined)
    return objectName(stringAt(file.bytes(name.section), name.offset, "klp_object.name"));
  const isNull =
    !file.pointers(place.section).has(place.offset) && readU64(file, place, "klp_object.name") === 0n;
  if (!isNull) throw new ParseError("klp_object.name points outside of the module");
  return VMLINUX;
}

function readFunction(file: ObjectFile, place: SectionPlace): ReplacedFunction {
  const at = target(file, place, 0);
  if (at === undefined) throw new ParseError("a klp_func without old_name");
  const name = stringAt(file.bytes(at.section), at.offset, "klp_func.old_name");
  return checkedFunction(
    name,
    readU64(file, { ...place, offset: place.offset + THIRD }, "klp_func.old_sympos"),
  );
}

const readU64 = (file: ObjectFile, { section, offset }: SectionPlace, what: string): bigint =>
  new ByteReader(file.bytes(section), what, offset).u64();
