import { fromUtf8, utf8 } from "./bytes.ts";
import { ParseError } from "./errors.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";

/** Objects are Maps: a name chosen by an attacker (`__proto__`, `constructor`, `7`) is a name like any other, in its own place. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject => value instanceof Map;

/** Builds an object in the order written; members that are undefined are left out. */
export function jsonObject(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const out = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(members)) if (value !== undefined) out.set(name, value);
  return out;
}

/**
 * Parses RFC 8259 JSON, and less: well-formed UTF-8 without a byte order mark, no name twice in an object,
 * only integers within ±(2^53-1), no lone surrogates, bounded depth. What passes has exactly one meaning in
 * every reader. Throws ParseError.
 *
 * @param what names the document in messages.
 */
export function parseJson(bytes: Uint8Array, what: string): JsonValue {
  const parser = new Parser(fromUtf8(bytes), what);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** Compact JSON in the order of the members. */
export function encodeJson(value: JsonValue): Uint8Array {
  return utf8(text(value));
}

function text(value: JsonValue): string {
  if (isJsonObject(value)) {
    return `{${[...value].map(([name, member]) => `${JSON.stringify(name)}:${text(member)}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(text).join(",")}]`;
  return JSON.stringify(value);
}

const LITERALS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const LITERAL = /true|false|null/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const BACKSLASH = 0x5c;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids raw control characters in strings.
const PLAIN = /^[^\\\u0000-\u001f]*$/;

class Parser {
  readonly #text: string;
  readonly #what: string;
  #at = 0;

  constructor(source: string, what: string) {
    this.#text = source;
    this.#what = what;
  }

  value(depth: number): JsonValue {
    if (depth > MAX_JSON_DEPTH) this.#fail(`nested deeper than ${MAX_JSON_DEPTH}`);
    this.#space();
    const next = this.#text[this.#at];
    if (next === "{") return this.#object(depth);
    if (next === "[") return this.#array(depth);
    if (next === '"') return this.#string();
    const literal = LITERALS.get(this.#match(LITERAL) ?? "");
    return literal === undefined ? this.#number() : literal;
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) this.#fail("text after the value");
  }

  #object(depth: number): JsonObject {
    const out = new Map<string, JsonValue>();
    this.#sequence("}", () => {
      const name = this.#string();
      if (out.has(name)) this.#fail(`the name ${JSON.stringify(name.slice(0, 80))} twice in one object`);
      this.#space();
      this.#expect(":");
      out.set(name, this.value(depth + 1));
    });
    return out;
  }

  #array(depth: number): JsonValue[] {
    const out: JsonValue[] = [];
    this.#sequence("]", () => out.push(this.value(depth + 1)));
    return out;
  }

  #sequence(close: string, member: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      member();
      this.#space();
      if (this.#text[this.#at] === close) break;
      this.#expect(",");
    }
    this.#at++;
  }

  #string(): string {
    const end = this.#text[this.#at] === '"' ? this.#endOfString() : -1;
    if (end < 0) return this.#fail("not a JSON string");
    const inside = this.#text.slice(this.#at + 1, end);
    const value = PLAIN.test(inside) ? inside : this.#unescaped(end);
    this.#at = end + 1;
    return value;
  }

  /** Where the closing quote is: the first with an even number of backslashes before it; -1 for none. */
  #endOfString(): number {
    for (let end = this.#text.indexOf('"', this.#at + 1); end >= 0; end = this.#text.indexOf('"', end + 1)) {
      let backslashes = 0;
      while (this.#text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
      if (backslashes % 2 === 0) return end;
    }
    return -1;
  }

  #unescaped(end: number): string {
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(this.#at, end + 1));
    } catch {
      return this.#fail("not a JSON string");
    }
    if (typeof value !== "string" || !value.isWellFormed()) return this.#fail("a lone surrogate in a string");
    return value;
  }

  #number(): number {
    const raw = this.#match(NUMBER);
    if (raw === undefined) return this.#fail("not a JSON value");
    const value = Number(raw);
    if (!/^-?[0-9]+$/.test(raw) || !Number.isSafeInteger(value)) {
      return this.#fail(`${raw.slice(0, 40)} is not an integer within ±(2^53-1)`);
    }
    return value + 0; // -0 becomes 0
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) this.#fail(`expected ${character}`);
    this.#at++;
  }

  #space(): void {
    for (;;) {
      const next = this.#text.charCodeAt(this.#at);
      if (next !== 0x20 && next !== 0x0a && next !== 0x0d && next !== 0x09) return;
      this.#at++;
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #fail(problem: string): never {
    throw new ParseError(`${this.#what}: ${problem} at character ${this.#at}`);
  }
}
