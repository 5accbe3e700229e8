import type { ObjectName } from "../../shared/brand.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";

// Equal names in one kernel: a few dozen at the most.
const MAX_POSITION = 65_536n;
/** The kernel itself, as an object. */
/** What livepatch calls before and after it patches an object, and before and after it undoes that; in their order in memory. */
export const CALLBACKS = ["pre_patch", "post_patch", "pre_unpatch", "post_unpatch"] as const;
export type Callback = (typeof CALLBACKS)[number];

/** A function to be replaced; position 0 if its name must be unique in its object, else 1 for the first of the name. */
export interface ReplacedFunction {
  readonly name: string;
  readonly position: number;
}

export interface LivepatchObject {
  /** `vmlinux` or a module's name. */
  readonly object: ObjectName;
  /** None where the object has callbacks alone. */
  readonly functions: readonly ReplacedFunction[];
  readonly callbacks: readonly Callback[];
}

/** Throws ParseError if an object, or a function of one, is there twice. */
export function requireDistinct(objects: readonly LivepatchObject[]): readonly LivepatchObject[] {
  if (new Set(objects.map(({ object }) => object)).size < objects.length)
    throw new ParseError("the module has two klp_object structures for one object");
  for (const { object, functions } of objects) {
    if (new Set(functions.map(({ name, position }) => `${name} ${position}`)).size < functions.length)
      throw new ParseError(`the module replaces one function of ${object} twice`);
  }
  return objects;
}

/** Throws ParseError, RebootlessError `limit`. */
export function checkedFunction(name: string, position: bigint): ReplacedFunction {
  // Dots: what the compiler appends to the names of clones.
  if (!/^[A-Za-z0-9_.$]{1,512}$/.test(name)) {
    throw new ParseError(`not a function's name: ${JSON.stringify(name.slice(0, 80))}`);
  }
  if (position > MAX_POSITION) throw new RebootlessError("limit", `${name}: position ${position}`);
  return { name, position: Number(position) };
}
