import { findDefinition } from "../explain/definition.ts";
import { tokensOf } from "../layout/c_text.ts";
import { type ShadowVariable, shadowVariables } from "../layout/shadow_code.ts";
import type { TypeChange } from "../layout/type_changes.ts";
import { afterIncludes, insertedAt } from "./skeleton.ts";

/**
 * Adds to a file of C functions that keep the new members of a type as shadow variables. They come after the type's
 * definition, or after the includes if a header defines it.
 * @returns undefined if the type has no new member.
 */
export function withShadowFunctions(text: string, change: TypeChange): string | undefined {
  const variables = shadowVariables(change);
  if (variables.length === 0) return undefined;
  const code = [
    "#include <linux/livepatch.h>",
    ...variables.flatMap((one) => functionsFor(change, one)),
  ].join("\n");
  const lines = text.split("\n");
  const found = findDefinition(tokensOf(text), lines, change.name);
  return found?.kind === "defined" ? insertedAt(lines, found.to, code) : afterIncludes(text, code);
}

/** Returns the functions that make, find and free one shadow variable. */
function functionsFor(
  { name }: TypeChange,
  { id, number, variable, pointer, text }: ShadowVariable,
): readonly string[] {
  const stem = id.toLowerCase();
  const type = `${stem}_shadow`;
  const head = (result: string, suffix: string, more = ""): string =>
    `static inline __maybe_unused ${result}${stem}_${suffix}(${name} *obj${more})`;
  return [
    "",
    `/* A shadow variable in place of the member "${text}" of ${name}. */`,
    `#define ${id} ${number}UL /* any number that no other live patch uses */`,
    `typedef ${pointer.replace(`*${variable}`, () => `*${type}`)};`,
    "",
    "/* Where it is set. NULL means that there was no memory. */",
    head(`${type} `, "make", ", gfp_t gfp"),
    "{",
    `\treturn klp_shadow_get_or_alloc(obj, ${id}, sizeof(*(${type})0), gfp, NULL, NULL);`,
    "}",
    "",
    "/* Where it is read. NULL means that the object is from before the update. */",
    head(`${type} `, "get"),
    "{",
    `\treturn klp_shadow_get(obj, ${id});`,
    "}",
    "",
    "/* Where the object is freed. */",
    head("void ", "free"),
    "{",
    `\tklp_shadow_free(obj, ${id}, NULL);`,
    "}",
  ];
}
