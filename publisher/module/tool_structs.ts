import { type ObjectName, objectName, VMLINUX } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { counted } from "../../shared/counted.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { MAX_FUNCTIONS } from "../../shared/limits.ts";
import { callbacksAt } from "./klp_structs.ts";
import type { ObjectFile, SectionPlace } from "./object_file.ts";
import {
  CALLBACKS,
  type Callback,
  checkedFunction,
  type LivepatchObject,
  type ReplacedFunction,
} from "./target_objects.ts";

/*
 * Modules whose klp_patch is made when they are loaded, out of tables that a tool wrote:
 *
 *   kpatch      .kpatch.funcs { +0 new_addr, +8 new_size, +16 old_addr, +24 old_size, +32 sympos, +40 name, +48 objname }
 *   klp-build   __klp_objects { +0 name (0: vmlinux), +8 funcs, +16 callbacks, +56 u32 nr_funcs }
 *               each funcs an array of { +0 old_name, +8 new_func, +16 sympos }     (Linux 6.19, livepatch_external.h)
 */
const KPATCH = { section: ".kpatch.funcs", size: 56, position: 32, name: 40, object: 48 } as const;
const OBJECTS = { section: "__klp_objects", size: 64, functions: 8, callbacks: 16, count: 56 } as const;
const FUNCTION = { size: 24, code: 8, position: 16 } as const;

/** What the module replaces by such a table; undefined if it has none. Throws ParseError, RebootlessError `limit`. */
export function tableObjects(file: ObjectFile): readonly LivepatchObject[] | undefined {
  return kpatchObjects(file) ?? klpBuildObjects(file);
}

function kpatchObjects(file: ObjectFile): readonly LivepatchObject[] | undefined {
  const entries = tableEntries(file, KPATCH.section, KPATCH.size);
  if (entries === undefined) return undefined;
  const objects = new Map<ObjectName, ReplacedFunction[]>();
  for (const entry of entries) {
    const object = objectName(textAt(file, entry, KPATCH.object, "objname"));
    const functions = objects.get(object) ?? [];
    functions.push(functionAt(file, entry, { name: KPATCH.name, code: 0, position: KPATCH.position }));
    objects.set(object, functions);
  }
  const callbacks = kpatchCallbacks(file);
  return [...new Set([...objects.keys(), ...callbacks.keys()])].map((object) => ({
    object,
    functions: objects.get(object) ?? [],
    callbacks: callbacks.get(object) ?? [],
  }));
}

/** A section for each kind: .kpatch.callbacks.pre_patch { +0 callback, +8 objname }, and so on. */
function kpatchCallbacks(file: ObjectFile): ReadonlyMap<ObjectName, readonly Callback[]> {
  const callbacks = new Map<ObjectName, Callback[]>();
  for (const callback of CALLBACKS) {
    for (const entry of tableEntries(file, `.kpatch.callbacks.${callback}`, 16) ?? []) {
      const object = objectName(textAt(file, entry, 8, "objname"));
      callbacks.set(object, [...(callbacks.get(object) ?? []), callback]);
    }
  }
  return callbacks;
}

function klpBuildObjects(file: ObjectFile): readonly LivepatchObject[] | undefined {
  const entries = tableEntries(file, OBJECTS.section, OBJECTS.size);
  let total = 0;
  return entries?.map((entry) => {
    const isKernel = pointerAt(file, entry, 0) === undefined;
    const object = isKernel ? VMLINUX : objectName(textAt(file, entry, 0, "name"));
    const start = pointerAt(file, entry, OBJECTS.functions);
    const count = fieldReader(file, entry, OBJECTS.count).u32();
    total += count;
    if (total > MAX_FUNCTIONS) throw new RebootlessError("limit", `more than ${MAX_FUNCTIONS} functions`);
    if (start === undefined && count > 0)
      throw new ParseError(`${OBJECTS.section}: no functions of ${object}`);
    const functions = Array.from({ length: count }, (_, i) => {
      const place = { section: start?.section ?? 0, offset: (start?.offset ?? 0) + i * FUNCTION.size };
      return functionAt(file, place, { name: 0, code: FUNCTION.code, position: FUNCTION.position });
    });
    return { object, functions, callbacks: callbacksAt(file, entry, OBJECTS.callbacks) };
  });
}

function tableEntries(file: ObjectFile, name: string, size: number): readonly SectionPlace[] | undefined {
  const section = file.sections.find((s) => s.name === name);
  if (section === undefined) return undefined;
  const { length } = file.bytes(section.index);
  if (length === 0 || length % size !== 0)
    throw new ParseError(`${name}: ${counted(length, "byte")} in entries of ${size}`);
  if (length / size > MAX_FUNCTIONS) throw new RebootlessError("limit", `more than ${MAX_FUNCTIONS} entries`);
  return Array.from({ length: length / size }, (_, i) => ({ section: section.index, offset: i * size }));
}

function functionAt(
  file: ObjectFile,
  entry: SectionPlace,
  members: { readonly name: number; readonly code: number; readonly position: number },
): ReplacedFunction {
  const name = textAt(file, entry, members.name, "name");
  const code = pointerAt(file, entry, members.code);
  if (code === undefined || !file.isCode(code)) throw new ParseError(`${name}: its new function is no code`);
  return checkedFunction(name, fieldReader(file, entry, members.position).u64());
}

const pointerAt = (
  file: ObjectFile,
  { section, offset }: SectionPlace,
  member: number,
): SectionPlace | undefined => file.pointers(section).get(offset + member)?.place;

function textAt(file: ObjectFile, entry: SectionPlace, member: number, what: string): string {
  const at = pointerAt(file, entry, member);
  if (at === undefined) throw new ParseError(`a table of functions without ${what}`);
  return stringAt(file.bytes(at.section), at.offset, what);
}

const fieldReader = (file: ObjectFile, { section, offset }: SectionPlace, member: number): ByteReader =>
  new ByteReader(file.bytes(section), "table of functions", offset + member);
