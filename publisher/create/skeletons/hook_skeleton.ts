import type { ObjectName } from "../../../shared/brand.ts";
import { VMLINUX } from "../../../shared/brand.ts";
import { printable } from "../../../shared/printable.ts";
import { findDefinition } from "../explain/definition.ts";
import { tokensOf } from "../layout/c_text.ts";
import { declaration } from "../layout/type_text.ts";
import { unitTypes } from "../layout/unit_types.ts";
import type { UnitPair } from "../unit_pair.ts";

/** The most lines of an initial value that a hook quotes. */
const MAX_QUOTED_LINES = 40;

/** A variable whose initial value a patch changes, as a hook quotes it. */
export interface HookVariable {
  readonly name: string;
  /** How C declares it, if the compiler said of what type it is. */
  readonly declared: string | undefined;
  readonly source: string;
  /** The text of its definition before and after the patch, by lines; none if a macro makes it. */
  readonly old: readonly string[];
  readonly now: readonly string[];
}

/** Looks up what a hook says of a variable. @throws ParseError. @throws RebootlessError `limit`. */
export function hookVariable(pair: UnitPair, name: string): HookVariable {
  const types = unitTypes(pair.before);
  const stem = name.replace(/\..*$/, "");
  const found = types?.types.find((type) => type.kind === "variable" && type.name === stem);
  const declared =
    types !== undefined && found?.kind === "variable"
      ? declaration(types, found.type, cName(name))
      : undefined;
  const quoted = (text: string): readonly string[] => {
    const lines = text.split("\n");
    const place = findDefinition(tokensOf(text), lines, stem);
    return place?.kind === "defined"
      ? lines.slice(place.from - 1, Math.min(place.to, place.from - 1 + MAX_QUOTED_LINES))
      : [];
  };
  return {
    name,
    declared,
    source: pair.source,
    old: quoted(pair.sourceBefore),
    now: quoted(pair.sourceAfter),
  };
}

/** Returns the name in C of a symbol: the compiler numbers static locals with a dot. */
const cName = (name: string): string => name.replaceAll(/\W/g, "_");

/**
 * Writes a hook that names the variables of a kernel object whose initial values a patch changes. It sets none of them:
 * the kernel, or a person, may have given them other values since the start.
 * @param isTyped false to declare them as bytes, for types that the hook does not know.
 */
export function hookText(
  object: ObjectName,
  file: string,
  variables: readonly HookVariable[],
  isTyped: boolean,
): string {
  const option = object === VMLINUX ? file : `${object}=${file}`;
  return `${[
    "// A hook to begin with. It does nothing yet: which value is right for a kernel that runs is for you to say,",
    "// because the kernel or a person may have set another one since its start.",
    `// When it sets what it must: leave the changed values out of the patch, and add --hooks ${option}`,
    "#include <linux/livepatch.h>",
    ...variables.flatMap((one) => ["", ...variableLines(one, isTyped)]),
    "",
    ...HOOKS,
  ].join("\n")}\n`;
}

function variableLines(
  { name, declared, source, old, now }: HookVariable,
  isTyped: boolean,
): readonly string[] {
  const label = cName(name) === name ? "" : ` __asm__(${JSON.stringify(name)})`;
  const bytes = `char ${cName(name)}[]`;
  return [
    `// ${printable(name)} in ${printable(source)}`,
    ...quotation("as the kernel was built", old),
    ...quotation("as the patch has it", now),
    `extern ${isTyped ? (declared ?? bytes) : bytes}${label};`,
  ];
}

const quotation = (what: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0
    ? [`// ${what}: its text was not found, because a macro makes it`]
    : [`// ${what}:`, ...lines.map((line) => `//     ${quotedLine(line)}`)];

/** Returns a line that can stand in a comment: a backslash at its end would take the next line into the comment. */
const quotedLine = (line: string): string =>
  line.split("\t").map(printable).join("    ").trimEnd().replace(/\\+$/, "").trimEnd();

const HOOKS: readonly string[] = [
  "int pre_patch(struct klp_object *object);",
  "int pre_patch(struct klp_object *object)",
  "{",
  "\t// Set the variables here, before the new code runs. A negative errno refuses the update.",
  "\treturn 0;",
  "}",
  "",
  "void post_unpatch(struct klp_object *object);",
  "void post_unpatch(struct klp_object *object)",
  "{",
  "\t// Put back here what the old code needs.",
  "}",
];
