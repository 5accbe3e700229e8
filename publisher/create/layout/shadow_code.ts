import { createHash } from "node:crypto";
import type { TypeChange } from "./type_changes.ts";

/** The most members for which code is written. */
const MAX_WRITTEN_MEMBERS = 4;

/** A shadow variable that stands for a new member of a type. */
export interface ShadowVariable {
  /** The name of its ID, made from the names of the type and the member. */
  readonly id: string;
  /** The ID in C, without a suffix. */
  readonly number: string;
  readonly variable: string;
  /** The declaration in C of a pointer to it. */
  readonly pointer: string;
  /** The declaration of the member. */
  readonly text: string;
  readonly isBitField: boolean;
}

/** Returns the shadow variables that stand for the first new members of a type. */
export const shadowVariables = ({ name, members }: TypeChange): readonly ShadowVariable[] =>
  members
    .flatMap(({ path, old, now }) => (old === undefined && now !== undefined ? [{ path, now }] : []))
    .slice(0, MAX_WRITTEN_MEMBERS)
    .map(({ path, now: { pointer, width, text } }) => ({
      id: `${name.split(" ").at(-1)}_${path}`.replaceAll(/\W/g, "_").toUpperCase(),
      number: `0x${createHash("sha256").update(`${name}.${path}`).digest("hex").slice(0, 8)}`,
      variable: path.split(".").at(-1) ?? path,
      pointer,
      text,
      isBitField: width !== 0,
    }));

/**
 * Writes what an author can paste instead of the new members of a type: each becomes a shadow variable, which the kernel
 * keeps beside an object (Documentation/livepatch/shadow-vars.rst, Linux 6.12).
 */
export function shadowCode(change: TypeChange): readonly string[] {
  const variables = shadowVariables(change);
  if (variables.length === 0) return [];
  return [
    `#include <linux/livepatch.h> /* obj is the pointer to the ${change.name} */`,
    ...variables.flatMap(memberCode),
  ];
}

function memberCode({ id, number, variable, pointer, isBitField }: ShadowVariable): readonly string[] {
  const note = isBitField ? " /* a bit-field becomes a whole number */" : "";
  return [
    `#define ${id} ${number}UL /* any number that no other live patch uses */`,
    `${pointer};${note}`,
    "/* where it is set; NULL means that there was no memory */",
    `${variable} = klp_shadow_get_or_alloc(obj, ${id}, sizeof(*${variable}), GFP_KERNEL, NULL, NULL);`,
    "/* where it is read; NULL means that the object is from before the update */",
    `${variable} = klp_shadow_get(obj, ${id});`,
    "/* where the object is freed */",
    `klp_shadow_free(obj, ${id}, NULL);`,
  ];
}
