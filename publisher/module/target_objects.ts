import { type ObjectName, objectName, VMLINUX } from "../../shared/brand.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";

// In one kernel at most a few dozen functions share a name.
const MAX_POSITION = 65_536n;
/**
 * The callbacks that livepatch calls before and after it patches an object, and before and after it undoes that, in the
 * order in which they are in memory.
 */
export const CALLBACKS = ["pre_patch", "post_patch", "pre_unpatch", "post_unpatch"] as const;
export type Callback = (typeof CALLBACKS)[number];

/**
 * A function to be replaced. The position is 0 if the name must be unique in its object; otherwise functions of the same
 * name count from 1.
 */
export interface ReplacedFunction {
  readonly name: string;
  readonly position: number;
}

export interface LivepatchObject {
  /** `vmlinux` or a module's name. */
  readonly object: ObjectName;
  /** The functions that are replaced. The list is empty if the object has only callbacks. */
  readonly functions: readonly ReplacedFunction[];
  readonly callbacks: readonly Callback[];
}

/** Refuses an object, or a function of an object, that is there twice. @throws ParseError. */
export function requireDistinct(objects: readonly LivepatchObject[]): readonly LivepatchObject[] {
  if (new Set(objects.map(({ object }) => object)).size < objects.length)
    throw new ParseError("the module has two klp_object structures for one object");
  for (const { object, functions } of objects) {
    if (new Set(functions.map(({ name, position }) => `${name} ${position}`)).size < functions.length)
      throw new ParseError(`the module replaces one function of ${object} twice`);
  }
  return objects;
}

/**
 * Checks the name of an object that is not null, which livepatch takes for the name of a module. It compares the text with
 * the names of loaded modules (klp_find_object_module in kernel/livepatch/core.c), so a name that no module can have is
 * never found, and nothing says so.
 * @throws ParseError, RebootlessError `unsupported` for a name that no module has.
 */
export function targetModule(text: string): ObjectName {
  const shown = JSON.stringify(text.slice(0, 80));
  if (text === VMLINUX)
    throw idleObject(
      shown,
      "the kernel itself is no module",
      "For the kernel itself, klp_object.name is NULL.",
    );
  const file = /^(?:.*\/)?([A-Za-z0-9_-]+)\.ko(?:\.[a-z0-9]+)?$/.exec(text)?.[1];
  if (file !== undefined)
    throw idleObject(shown, "that is the name of a file", `Name the object ${underscored(file)}.`);
  if (/^[A-Za-z0-9_-]+$/.test(text) && text.includes("-"))
    throw idleObject(shown, "the kernel writes - as _", `Name the object ${underscored(text)}.`);
  return objectName(text);
}

const underscored = (name: string): string => name.replaceAll("-", "_");

const idleObject = (shown: string, because: string, hint: string): RebootlessError =>
  new RebootlessError(
    "unsupported",
    `the module would do nothing in its object ${shown}, for no module has that name: ${because}`,
    { hint },
  );

/** Checks the name and the position of a function. @throws ParseError, RebootlessError `limit`. */
export function checkedFunction(name: string, position: bigint): ReplacedFunction {
  // The compiler appends a dot and more to the names of clones.
  if (!/^[A-Za-z0-9_.$]{1,512}$/.test(name)) {
    throw new ParseError(`not a function's name: ${JSON.stringify(name.slice(0, 80))}`);
  }
  if (position > MAX_POSITION) throw new RebootlessError("limit", `${name}: position ${position}`);
  return { name, position: Number(position) };
}
