import { type ObjectName, VMLINUX } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { counted } from "../../shared/counted.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { MAX_FUNCTIONS } from "../../shared/limits.ts";
import type { Field } from "../../shared/struct.ts";
import { KLP_FUNC_EXT, KLP_OBJECT_EXT, KPATCH_CALLBACK, KPATCH_FUNC, POINTER } from "./kernel_structs.ts";
import { isZero } from "./klp_array.ts";
import { callbacksAt, pointerAt } from "./klp_structs.ts";
import type { ObjectFile, SectionPlace } from "./object_file.ts";
import {
  CALLBACKS,
  type Callback,
  checkedFunction,
  type LivepatchObject,
  type ReplacedFunction,
  targetModule,
} from "./target_objects.ts";

/*
 * Some modules make their klp_patch when they are loaded, from tables that a tool wrote (kernel_structs.ts). kpatch writes
 * a table of functions; klp-build writes a table of objects, each with an array of functions.
 */
const KPATCH_SECTION = ".kpatch.funcs";
/** The name until Linux 7.0, and the one since (scripts/livepatch/init.c, 7.3). */
const OBJECTS_SECTIONS = ["__klp_objects", ".init.klp_objects"] as const;

/**
 * Reads what the module replaces from such a table. Returns undefined if the module has no such table.
 * @throws ParseError, RebootlessError `limit`.
 */
export function tableObjects(file: ObjectFile): readonly LivepatchObject[] | undefined {
  const [earlier, later] = OBJECTS_SECTIONS;
  return kpatchObjects(file) ?? klpBuildObjects(file, earlier) ?? klpBuildObjects(file, later);
}

function kpatchObjects(file: ObjectFile): readonly LivepatchObject[] | undefined {
  const entries = tableEntries(file, KPATCH_SECTION, KPATCH_FUNC.size);
  if (entries === undefined) return undefined;
  const objects = new Map<ObjectName, ReplacedFunction[]>();
  for (const entry of entries) {
    const object = kpatchObject(textAt(file, entry, KPATCH_FUNC.fields.object, "objname"));
    const functions = objects.get(object) ?? [];
    functions.push(functionAt(file, entry, KPATCH_FUNC.fields));
    objects.set(object, functions);
  }
  const callbacks = kpatchCallbacks(file);
  return [...new Set([...objects.keys(), ...callbacks.keys()])].map((object) => ({
    object,
    functions: objects.get(object) ?? [],
    callbacks: callbacks.get(object) ?? [],
  }));
}

/** Reads an object's name. When the module is loaded, its own code turns "vmlinux" into the null that livepatch wants. */
const kpatchObject = (text: string): ObjectName => (text === VMLINUX ? VMLINUX : targetModule(text));

/** Reads the callbacks. Each kind has its own section, such as `.kpatch.callbacks.pre_patch`. */
function kpatchCallbacks(file: ObjectFile): ReadonlyMap<ObjectName, readonly Callback[]> {
  const callbacks = new Map<ObjectName, Callback[]>();
  for (const callback of CALLBACKS) {
    for (const entry of callbackEntries(file, `.kpatch.callbacks.${callback}`)) {
      const object = kpatchObject(textAt(file, entry, KPATCH_CALLBACK.fields.object, "objname"));
      callbacks.set(object, [...(callbacks.get(object) ?? []), callback]);
    }
  }
  return callbacks;
}

function klpBuildObjects(file: ObjectFile, table: string): readonly LivepatchObject[] | undefined {
  const entries = tableEntries(file, table, KLP_OBJECT_EXT.size);
  const { name, funcs, callbacks, functionCount } = KLP_OBJECT_EXT.fields;
  let total = 0;
  return entries?.map((entry) => {
    const isKernel = pointerAt(file, entry, name) === undefined;
    const object = isKernel ? VMLINUX : targetModule(textAt(file, entry, name, "name"));
    const start = pointerAt(file, entry, funcs);
    const count = functionCount.read(tableReader(file, entry), entry.offset);
    total += count;
    if (total > MAX_FUNCTIONS) throw new RebootlessError("limit", `more than ${MAX_FUNCTIONS} functions`);
    if (start === undefined && count > 0) throw new ParseError(`${table}: no functions of ${object}`);
    const functions = Array.from({ length: count }, (_, i) => {
      const place = { section: start?.section ?? 0, offset: (start?.offset ?? 0) + i * KLP_FUNC_EXT.size };
      return functionAt(file, place, KLP_FUNC_EXT.fields);
    });
    return { object, functions, callbacks: callbacksAt(file, entry, callbacks) };
  });
}

function tableEntries(file: ObjectFile, name: string, size: number): readonly SectionPlace[] | undefined {
  const section = file.sections.find((s) => s.name === name);
  if (section === undefined) return undefined;
  const { length } = file.bytes(section.index);
  if (length === 0) throw new ParseError(`${name}: no entries`);
  return entriesIn(section, length, size);
}

/**
 * Returns the entries of a section of callbacks. kpatch-build (0.9.10) puts eight zero bytes behind them, so that the
 * kernel does not drop the section where it has none.
 */
function callbackEntries(file: ObjectFile, name: string): readonly SectionPlace[] {
  const section = file.sections.find((s) => s.name === name);
  if (section === undefined) return [];
  const end = file.bytes(section.index).length - POINTER;
  const isPadded =
    end % KPATCH_CALLBACK.size === 0 && isZero(file, { section: section.index, offset: end }, POINTER);
  return entriesIn(section, isPadded ? end : end + POINTER, KPATCH_CALLBACK.size);
}

/** @param length of the table, which begins where the section does, in bytes. */
function entriesIn(
  { index, name }: { readonly index: number; readonly name: string },
  length: number,
  size: number,
): readonly SectionPlace[] {
  if (length % size !== 0) throw new ParseError(`${name}: ${counted(length, "byte")} in entries of ${size}`);
  if (length / size > MAX_FUNCTIONS) throw new RebootlessError("limit", `more than ${MAX_FUNCTIONS} entries`);
  return Array.from({ length: length / size }, (_, i) => ({ section: index, offset: i * size }));
}

function functionAt(
  file: ObjectFile,
  entry: SectionPlace,
  { name, newFunc, position }: Pick<typeof KLP_FUNC_EXT.fields, "name" | "newFunc" | "position">,
): ReplacedFunction {
  const text = textAt(file, entry, name, "name");
  const code = pointerAt(file, entry, newFunc);
  if (code === undefined || !file.isCode(code)) throw new ParseError(`${text}: its new function is not code`);
  return checkedFunction(text, position.read(tableReader(file, entry), entry.offset));
}

function textAt(file: ObjectFile, entry: SectionPlace, member: Field<bigint>, what: string): string {
  const at = pointerAt(file, entry, member);
  if (at === undefined) throw new ParseError(`a table of functions without ${what}`);
  return stringAt(file.bytes(at.section), at.offset, what);
}

const tableReader = (file: ObjectFile, { section }: SectionPlace): ByteReader =>
  new ByteReader(file.bytes(section), "table of functions");
