import type { Token } from "../layout/c_text.ts";

/** The lines of a source file that are about a name. Lines are counted from 1. */
export interface NamedLines {
  /** `mentioned` if no definition was found: a macro may make it, or another file may have it. */
  readonly kind: "defined" | "mentioned";
  readonly from: number;
  readonly to: number;
  /** The line with the name. */
  readonly at: number;
}

/** The most tokens between the parameters of a function and its body: attributes, and old declarations. */
const MAX_BETWEEN = 40;
/** The most places with the name that are looked at: each may take as long as the text. */
const MAX_PLACES = 1000;

/**
 * Finds where a source file defines a function, a variable or a type, by its text alone. Braces that `#if` splits do not
 * confuse it for long: a line that begins with a closing brace ends whatever is open, as in the kernel's style.
 * @param tokens of the file.
 * @param lines of the file.
 * @param name a name, or a type with its tag: "struct foo".
 * @returns the definition; else the first place that mentions it; undefined if there is none.
 */
export function findDefinition(
  tokens: readonly Token[],
  lines: readonly string[],
  name: string,
): NamedLines | undefined {
  const [, tag, typeName] = /^(struct|union|enum) (\w+)$/.exec(name) ?? [];
  const wanted = typeName ?? name;
  const code = tokens.filter(({ isDirective }) => !isDirective);
  const source: DefinitionSource = { code, lines };
  let [depth, places] = [0, 0];
  for (const [at, { text, line }] of code.entries()) {
    if (text === "{") depth++;
    if (text === "}") depth = lines[line - 1]?.startsWith("}") ? 0 : Math.max(0, depth - 1);
    if (text !== wanted) continue;
    places++;
    if (places > MAX_PLACES) break;
    const end = tag === undefined ? endOfDefinition(source, at, depth) : endOfType(source, at, tag);
    if (end === undefined) continue;
    const start = startOfStatement(code, at);
    return { kind: "defined", from: code[start]?.line ?? line, to: code[end]?.line ?? line, at: line };
  }
  const [mention] = tokens.filter(({ text }) => text === wanted);
  return mention && { kind: "mentioned", from: mention.line, to: mention.line, at: mention.line };
}

/** A function, and the lines of its definition. */
export interface NamedRange {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Words before parentheses that name no function: attributes, and macros that define something. */
const NO_FUNCTION =
  /DEFINE|^__(?:attribute__|printf|scanf|aligned|section|alloc_size|malloc|assume_aligned)$/;

/** Returns the functions that a source file defines, by its text alone. */
export function functionRanges(tokens: readonly Token[], lines: readonly string[]): readonly NamedRange[] {
  const code = tokens.filter(({ isDirective }) => !isDirective);
  const ranges: NamedRange[] = [];
  for (let at = 0; at < code.length; at++) {
    const { text } = code[at] ?? { text: "" };
    const isOpen = text === "{";
    const isNamed = /^[A-Za-z_]\w*$/.test(text) && !NO_FUNCTION.test(text) && code[at + 1]?.text === "(";
    const end = isOpen
      ? endOfBraces({ code, lines }, at)
      : isNamed
        ? functionEnd({ code, lines }, at + 1)
        : undefined;
    if (end === undefined) continue;
    const [from, to] = [code[startOfStatement(code, at)]?.line, code[end]?.line];
    if (isNamed && from !== undefined && to !== undefined) ranges.push({ name: text, from, to });
    at = end;
  }
  return ranges;
}

/** The tokens of a file without directives, and its lines. */
interface DefinitionSource {
  readonly code: readonly Token[];
  readonly lines: readonly string[];
}

function endOfType(source: DefinitionSource, at: number, tag: string): number | undefined {
  const { code } = source;
  if (code[at - 1]?.text !== tag || code[at + 1]?.text !== "{") return undefined;
  return endOfBraces(source, at + 1);
}

/** Returns the last token of the definition of the name at a place, or undefined if it is not defined there. */
function endOfDefinition(source: DefinitionSource, at: number, depth: number): number | undefined {
  const { code } = source;
  const start = startOfStatement(code, at);
  const words = code.slice(start, at).map(({ text }) => text);
  if (words.includes("extern")) return undefined;
  let after = at + 1;
  while (/^__\w+$/.test(code[after]?.text ?? "")) after++; // attributes, such as __read_mostly
  const next = code[after]?.text ?? "";
  // SYSCALL_DEFINE3(name, …) { … }, DEFINE_MUTEX(name);
  if (words.some((word) => /DEFINE|DECLARE/.test(word)) && (next === "," || next === ")"))
    return bodyOrSemicolon(source, at);
  if (depth > 0) return words.includes("static") ? semicolon(code, at) : undefined;
  if (next === "(") return functionEnd(source, at + 1);
  return words.length > 0 && ["=", ";", "[", ","].includes(next) && !words.includes("(")
    ? semicolon(code, at)
    : undefined;
}

/** Returns the end of the body of a function whose parameters begin at a place, or undefined for a declaration. */
function functionEnd(source: DefinitionSource, open: number): number | undefined {
  const { code } = source;
  const close = endOfParameters(code, open);
  if (close === undefined) return undefined;
  for (let at = close + 1; at < Math.min(code.length, close + MAX_BETWEEN); at++) {
    const { text } = code[at] ?? { text: "" };
    if (text === "{") return endOfBraces(source, at);
    if (text === ";" || text === "=" || text === "}") return undefined;
  }
  return undefined;
}

function bodyOrSemicolon(source: DefinitionSource, from: number): number | undefined {
  const { code } = source;
  for (let at = from; at < code.length; at++) {
    const { text } = code[at] ?? { text: "" };
    if (text === "{") return endOfBraces(source, at);
    if (text === ";") return at;
  }
  return undefined;
}

/** Returns the semicolon that ends a statement, outside of brackets. */
function semicolon(code: readonly Token[], from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const { text } = code[at] ?? { text: "" };
    if (text === "{" || text === "(") depth++;
    if (text === "}" || text === ")") depth--;
    if (text === ";" && depth <= 0) return at;
  }
  return undefined;
}

/** Returns the brace that closes the one at `open`: the one that pairs with it, or the first at the start of a line. */
function endOfBraces({ code, lines }: DefinitionSource, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const { text, line } = code[at] ?? { text: "", line: 0 };
    if (text === "{") depth++;
    if (text === "}") depth = lines[line - 1]?.startsWith("}") ? 0 : depth - 1;
    if (text === "}" && depth <= 0) return at;
  }
  return undefined;
}

function endOfParameters(code: readonly Token[], open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const { text } = code[at] ?? { text: "" };
    if (text === "(") depth++;
    if (text === ")") depth--;
    if (text === ")" && depth === 0) return at;
  }
  return undefined;
}

/** Returns the first token of the statement or declaration that a token is in. */
function startOfStatement(code: readonly Token[], at: number): number {
  let start = at;
  while (start > 0 && ![";", "}", "{"].includes(code[start - 1]?.text ?? ";")) start--;
  return start;
}
