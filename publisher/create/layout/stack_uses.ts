import {
  closing,
  functionsOf,
  type SourceFunction,
  type Token,
  type TokenRange,
  tokensOf,
} from "./c_text.ts";

/** What the source of a unit does with a type of which only its own functions have objects, as local variables. */
export interface StackUses {
  /** The functions that have an object of the type as a local variable. */
  readonly holders: ReadonlySet<string>;
  /** How often the text of each function names each function of the unit. */
  readonly calls: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** A variable of a function that is an object of the type, or a parameter that points to one. */
interface Variable {
  readonly name: string;
  readonly body: TokenRange;
  readonly isPointer: boolean;
}

/** A source file, with what the proof needs of it. */
interface Source {
  readonly tokens: readonly Token[];
  readonly functions: readonly SourceFunction[];
  /** The type's tag, "struct" or "union", and its name. */
  readonly type: readonly [tag: string, name: string];
}

/**
 * Proves from the text of a unit that objects of a type are local variables only, and that only the calls of the
 * functions that have them see them as objects of that type. All of this must hold:
 *
 * - The file itself defines `struct NAME`, so that no other unit knows it, and no `#define` of the file names it.
 * - Everywhere else the type stands in one of three places: a declaration of the type alone; the declaration of one
 *   plain local variable, `struct NAME v`; a parameter `struct NAME *p` of a static function, with or without `const`. So there is no variable of
 *   the file, no `sizeof` with which something could be allocated, no cast, no `container_of`, no pointer in another
 *   structure, no local pointer and no function that returns one: a `void *` never becomes a pointer to the type.
 * - Every argument for such a parameter is `&v` or `p`: the address of such a variable, or such a parameter. Such a
 *   parameter is never assigned to, and its address is not taken.
 * - No `sizeof` or `typeof` is taken of such a variable, or of what such a parameter points to: nothing allocates such an
 *   object, keeps its bytes, or declares a pointer in another way.
 * - Those static functions are only called by their names, so that no pointer to a function leads to them.
 * - No `#define` of the file names such a variable or function, and brackets are balanced without directives.
 *
 * @returns undefined if one of these does not hold.
 */
export function stackUses(text: string, tag: string, name: string): StackUses | undefined {
  const all = tokensOf(text);
  const macros = macroWords(all);
  const tokens = all.filter(({ isDirective }) => !isDirective);
  const functions = functionsOf(tokens);
  if (functions === undefined || macros.has(name)) return undefined;
  const source: Source = { tokens, functions, type: [tag, name] };
  const variables = variablesOf(source);
  if (variables === undefined) return undefined;
  const takers = takersOf(source);
  const names = [...takers.keys(), ...variables.map((variable) => variable.name)];
  const isProven =
    !names.some((one) => macros.has(one)) &&
    variables.every((variable) => isUnmeasured(tokens, variable)) &&
    variables.every((variable) => !variable.isPointer || isFixed(tokens, variable)) &&
    isOnlyCalled(source, takers, variables);
  if (!isProven) return undefined;
  const isHolder = ({ body }: SourceFunction): boolean =>
    variables.some((variable) => !variable.isPointer && variable.body.from === body.from);
  return { holders: new Set(functions.filter(isHolder).map((one) => one.name)), calls: callsOf(source) };
}

/** Returns the words in the `#define` directives of a file. */
function macroWords(tokens: readonly Token[]): ReadonlySet<string> {
  const words = new Set<string>();
  let isMacro = false;
  tokens.forEach(({ text, isDirective }, at) => {
    if (isDirective && text === "#") isMacro = textAt(tokens, at + 1) === "define" || isMacro;
    if (!isDirective) isMacro = false;
    if (isMacro) words.add(text);
  });
  return words;
}

const isWithin = (at: number, { from, to }: TokenRange): boolean => at >= from && at < to;
const textAt = (tokens: readonly Token[], at: number): string => tokens[at]?.text ?? "";
const isWord = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

/** Goes through the places that name the type. Returns undefined if one is not allowed, or none defines it. */
function variablesOf({ tokens, functions, type: [tag, name] }: Source): readonly Variable[] | undefined {
  const variables: Variable[] = [];
  let isDefined = false;
  for (let at = 1; at < tokens.length; at++) {
    if (textAt(tokens, at) !== name || textAt(tokens, at - 1) !== tag) continue;
    const before = textAt(tokens, at - (textAt(tokens, at - 2) === "const" ? 3 : 2));
    const [next = "", word = "", after = ""] = [1, 2, 3].map((i) => textAt(tokens, at + i));
    const inBody = functions.find(({ body }) => isWithin(at, body));
    const taker = functions.find(({ parameters }) => isWithin(at, parameters));
    if (inBody !== undefined) {
      const isPlain = ["{", "}", ";"].includes(before) && isWord(next) && ["=", ";"].includes(word);
      if (!isPlain) return undefined;
      variables.push({ name: next, body: inBody.body, isPointer: false });
    } else if (taker !== undefined) {
      const isPlain =
        [",", "("].includes(before) && next === "*" && isWord(word) && [",", ")"].includes(after);
      if (!isPlain || !taker.isStatic) return undefined;
      variables.push({ name: word, body: taker.body, isPointer: true });
    } else if (next === "{") {
      const end = closing(tokens, at + 1);
      if (end === undefined || textAt(tokens, end + 1) !== ";") return undefined;
      isDefined = true;
    } else if (next !== ";" && !isInPrototype(tokens, at, functions)) return undefined;
  }
  return isDefined ? variables : undefined;
}

/** Reports whether a place outside of functions is a pointer in the prototype of a static function. */
function isInPrototype(tokens: readonly Token[], at: number, functions: readonly SourceFunction[]): boolean {
  const isEnd = (place: number): boolean => ["{", "}", ";", ""].includes(textAt(tokens, place));
  let start = at;
  while (!isEnd(start - 1)) start--;
  let end = at;
  while (!isEnd(end)) end++;
  const words = tokens.slice(start, end).map(({ text }) => text);
  const name = words[words.indexOf("(") - 1];
  return (
    words[0] === "static" &&
    !words.includes("=") &&
    textAt(tokens, end) === ";" &&
    textAt(tokens, at + 1) === "*" &&
    functions.some((one) => one.isStatic && one.name === name)
  );
}

/** The places, from 0, of the parameters `struct NAME *` of each function that has some. */
type Takers = ReadonlyMap<string, ReadonlySet<number>>;

function takersOf({ tokens, functions, type: [tag, name] }: Source): Takers {
  const takers = new Map<string, ReadonlySet<number>>();
  for (const { name: taker, parameters } of functions) {
    const places = new Set<number>(takers.get(taker));
    argumentsIn(tokens, parameters).forEach((words, place) => {
      if (words.some((word, i) => word === tag && words[i + 1] === name)) places.add(place);
    });
    if (places.size > 0) takers.set(taker, places);
  }
  return takers;
}

/** Returns the words of each argument or parameter of a list. */
function argumentsIn(tokens: readonly Token[], { from, to }: TokenRange): readonly (readonly string[])[] {
  const list: string[][] = [[]];
  for (let at = from; at < to; at++) {
    const text = textAt(tokens, at);
    if (text === ",") list.push([]);
    else list.at(-1)?.push(text);
    const end = ["(", "[", "{"].includes(text) ? closing(tokens, at) : undefined;
    for (; end !== undefined && at < end; at++) list.at(-1)?.push(textAt(tokens, at + 1));
  }
  return list;
}

/** Reports whether a parameter keeps its value: nothing assigns to it, takes its address or hides it. */
function isFixed(tokens: readonly Token[], { name, body }: Variable): boolean {
  for (let at = body.from; at < body.to; at++) {
    if (textAt(tokens, at) !== name) continue;
    const [earlier, before, next, after] = [-2, -1, 1, 2].map((i) => textAt(tokens, at + i));
    if (before === "." || before === "->" || next === "->") continue; // a member of this name, or of what it points to
    const isAssigned = (next === "=" && after !== "=") || (after === "=" && /[-+|&^*/%<>]/.test(next ?? ""));
    const isCounted =
      (before === earlier && /[-+]/.test(before ?? "")) || (next === after && /[-+]/.test(next ?? ""));
    const isAddress = before === "&" && earlier !== "&";
    const isHidden = next !== undefined && [";", ","].includes(next) && (before === "*" || isType(before));
    if (isAssigned || isCounted || isAddress || isHidden) return false;
  }
  return true;
}

/** Reports whether nothing asks for the size or the type of a variable, or of what it points to. */
function isUnmeasured(tokens: readonly Token[], { name, body }: Variable): boolean {
  for (let at = body.from; at < body.to; at++) {
    if (!/^(?:sizeof|_*typeof_*|typeof_unqual|_*alignof_*)$/.test(textAt(tokens, at))) continue;
    let operand = at + 1;
    while (["(", "*", "&"].includes(textAt(tokens, operand))) operand++;
    if (textAt(tokens, operand) !== name) continue;
    if (![".", "->"].includes(textAt(tokens, operand + 1))) return false;
  }
  return true;
}

const isType = (word = ""): boolean => isWord(word) && word !== "return";

/** Reports whether the functions are only called, and with nothing but known pointers to the type. */
function isOnlyCalled(
  { tokens, functions }: Source,
  takers: Takers,
  variables: readonly Variable[],
): boolean {
  return tokens.every(({ text }, at) => {
    const places = takers.get(text);
    const before = textAt(tokens, at - 1);
    if (places === undefined || before === "." || before === "->") return true;
    const end = textAt(tokens, at + 1) === "(" ? closing(tokens, at + 1) : undefined;
    const caller = functions.find(({ body }) => isWithin(at, body));
    if (end === undefined || caller === undefined) return end !== undefined;
    const own = variables.filter(({ body }) => body.from === caller.body.from);
    const given = argumentsIn(tokens, { from: at + 2, to: end });
    return [...places].every((place) => isKnown(given[place] ?? [], own));
  });
}

const isKnown = (words: readonly string[], variables: readonly Variable[]): boolean =>
  variables.some(({ name, isPointer }) => words.join("") === (isPointer ? name : `&${name}`));

function callsOf({ tokens, functions }: Source): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const known = new Set(functions.map(({ name }) => name));
  const calls = new Map<string, Map<string, number>>();
  for (const { name, body } of functions) {
    const counts = calls.get(name) ?? new Map<string, number>();
    calls.set(name, counts);
    for (let at = body.from; at < body.to; at++) {
      const text = textAt(tokens, at);
      if (known.has(text)) counts.set(text, (counts.get(text) ?? 0) + 1);
    }
  }
  return calls;
}
