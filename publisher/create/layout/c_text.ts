/** A word, number, string or sign of C source. Comments and white space are left out. */
export interface Token {
  readonly text: string;
  /** True within a preprocessor directive. */
  readonly isDirective: boolean;
  /** The number of its line, counted from 1. */
  readonly line: number;
}

/** A range of tokens, without its end. */
export interface TokenRange {
  readonly from: number;
  readonly to: number;
}

/** A function of a source file. */
export interface SourceFunction {
  readonly name: string;
  readonly isStatic: boolean;
  /** The tokens between the parentheses of the parameters. */
  readonly parameters: TokenRange;
  /** The tokens between the braces. */
  readonly body: TokenRange;
}

const TOKEN = /[A-Za-z_]\w*|\d[\w.]*|->|[^\s]/y;

/** Splits C source into tokens. It takes time in proportion to the text, whatever the text is. */
export function tokensOf(source: string): readonly Token[] {
  const { text, joins } = joinedLines(source);
  const tokens: Token[] = [];
  let [line, counted, joined] = [1, 0, 0];
  const lineAt = (at: number): number => {
    for (; counted < at; counted++) if (text[counted] === "\n") line++;
    while (joined < joins.length && (joins[joined] ?? 0) < at) joined++;
    return line + joined;
  };
  let isDirective = false;
  let isLineStart = true;
  for (let at = 0; at < text.length; ) {
    const character = text[at] ?? "";
    if (character === "\n") [isDirective, isLineStart] = [false, true];
    if (/\s/.test(character)) {
      at++;
      continue;
    }
    const comment = text.startsWith("/*", at) ? "*/" : text.startsWith("//", at) ? "\n" : undefined;
    if (comment !== undefined) {
      const end = text.indexOf(comment, at + 2);
      at = end < 0 ? text.length : end + (comment === "\n" ? 0 : 2);
      continue;
    }
    if (character === "#" && isLineStart) isDirective = true;
    isLineStart = false;
    const end = character === '"' || character === "'" ? endOfQuoted(text, at) : endOfToken(text, at);
    tokens.push({ text: text.slice(at, end), isDirective, line: lineAt(at) });
    at = end;
  }
  return tokens;
}

/** Joins lines that a backslash continues. @returns the text, and where in it lines were joined. */
function joinedLines(source: string): { readonly text: string; readonly joins: readonly number[] } {
  const joins: number[] = [];
  let removed = 0;
  const text = source.replaceAll(/\\\r?\n/g, (ending, at: number) => {
    joins.push(at - removed);
    removed += ending.length - 1;
    return " ";
  });
  return { text, joins };
}

function endOfToken(text: string, at: number): number {
  TOKEN.lastIndex = at;
  return TOKEN.test(text) ? TOKEN.lastIndex : at + 1;
}

function endOfQuoted(text: string, at: number): number {
  const quote = text[at];
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === quote || text[end] === "\n") return end + 1;
  }
  return text.length;
}

/**
 * Returns the functions that a source file defines. Those that a macro defines (`SYSCALL_DEFINE3(…) { … }`) have the
 * macro's name.
 * @param tokens without those of directives.
 * @returns undefined if braces or parentheses are not balanced, as with `#if` around half of a function.
 */
export function functionsOf(tokens: readonly Token[]): readonly SourceFunction[] | undefined {
  const functions: SourceFunction[] = [];
  let start = 0;
  for (let at = 0; at < tokens.length; at++) {
    const { text } = tokens[at] ?? { text: "" };
    if (text === ";") start = at + 1;
    if (text === "}" || text === ")" || text === "]") return undefined;
    if (text !== "{" && text !== "(" && text !== "[") continue;
    const end = closing(tokens, at);
    if (end === undefined) return undefined;
    if (text === "{") {
      const found = functionAt(tokens, start, at, end);
      if (found !== undefined) {
        functions.push(found);
        start = end + 1;
      }
    }
    at = end;
  }
  return functions;
}

/** Returns the function whose head begins at `start` and whose body is between two braces, if it is a function. */
function functionAt(
  tokens: readonly Token[],
  start: number,
  open: number,
  close: number,
): SourceFunction | undefined {
  const words: string[] = [];
  let found: TokenRange | undefined;
  for (let at = start; at < open; at++) {
    const { text } = tokens[at] ?? { text: "" };
    const end = text === "(" || text === "[" ? closing(tokens, at) : undefined;
    if (text === "=") return undefined;
    // The first list after a word that is no attribute holds the parameters.
    const isList = found === undefined && text === "(" && !ATTRIBUTES.has(words.at(-1) ?? "");
    if (isList && end !== undefined) found = { from: at + 1, to: end };
    if (found === undefined && end === undefined) words.push(text);
    at = end ?? at;
  }
  const name = words.at(-1) ?? "";
  if (found === undefined || !/^\w+$/.test(name)) return undefined;
  return {
    name,
    isStatic: words.includes("static"),
    parameters: found,
    body: { from: open + 1, to: close },
  };
}

const ATTRIBUTES: ReadonlySet<string> = new Set(["__attribute__", "__aligned", "__section", "__printf"]);

const PAIRS: ReadonlyMap<string, string> = new Map([
  ["{", "}"],
  ["(", ")"],
  ["[", "]"],
]);

/** Returns the place of the bracket that closes the one at `open`, or undefined if they are not balanced. */
export function closing(tokens: readonly Token[], open: number): number | undefined {
  const expected: string[] = [];
  for (let at = open; at < tokens.length; at++) {
    const { text } = tokens[at] ?? { text: "" };
    const close = PAIRS.get(text);
    if (close !== undefined) expected.push(close);
    else if (text === "}" || text === ")" || text === "]") {
      if (expected.pop() !== text) return undefined;
      if (expected.length === 0) return at;
    }
  }
  return undefined;
}
