import { createHash } from "node:crypto";
import type { MemberPlace, TypeChange } from "./type_changes.ts";

/** The most members for which code is written. */
const MAX_WRITTEN_MEMBERS = 4;

/**
 * Writes what an author can paste instead of the new members of a type: each becomes a shadow variable, which the kernel
 * keeps beside an object (Documentation/livepatch/shadow-vars.rst, Linux 6.12). The ID is made from the names.
 */
export function shadowCode({ name, members }: TypeChange): readonly string[] {
  const added = members.flatMap(({ path, old, now }) =>
    old === undefined && now !== undefined ? [{ path, now }] : [],
  );
  if (added.length === 0) return [];
  return [
    `#include <linux/livepatch.h> /* obj is the pointer to the ${name} */`,
    ...added.slice(0, MAX_WRITTEN_MEMBERS).flatMap(({ path, now }) => memberCode(name, path, now)),
  ];
}

function memberCode(type: string, path: string, { pointer, width }: MemberPlace): readonly string[] {
  const variable = path.split(".").at(-1) ?? path;
  const id = `${type.split(" ").at(-1)}_${path}`.replaceAll(/\W/g, "_").toUpperCase();
  const number = createHash("sha256").update(`${type}.${path}`).digest("hex").slice(0, 8);
  const note = width === 0 ? "" : " /* a bit-field becomes a whole number */";
  return [
    `#define ${id} 0x${number}UL /* any number that no other live patch uses */`,
    `${pointer};${note}`,
    "/* where it is set; NULL means that there was no memory */",
    `${variable} = klp_shadow_get_or_alloc(obj, ${id}, sizeof(*${variable}), GFP_KERNEL, NULL, NULL);`,
    "/* where it is read; NULL means that the object is from before the update */",
    `${variable} = klp_shadow_get(obj, ${id});`,
    "/* where the object is freed */",
    `klp_shadow_free(obj, ${id}, NULL);`,
  ];
}
