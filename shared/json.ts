import { fromUtf8, requireUtf8, utf8 } from "./bytes.ts";
import { ParseError } from "./errors.ts";
import { FEW_MEMBERS, JsonMembers } from "./json_members.ts";
import { unescaped } from "./json_text.ts";
import type { Json, JsonObject, JsonValue, Text } from "./json_value.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";

export type { Json, JsonObject, JsonValue, Text };

export const isJsonObject = <T extends Text>(
  value: Json<T> | undefined,
): value is ReadonlyMap<string, Json<T>> => value instanceof JsonMembers || value instanceof Map;

/** Builds an object with its members in the order given. Members that are undefined are left out. */
export function jsonObject(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const out = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(members)) if (value !== undefined) out.set(name, value);
  return out;
}

/**
 * Parses a strict subset of RFC 8259 JSON: well-formed UTF-8 without a byte order mark, no name twice in an
 * object, only integers within ±(2^53-1), no lone surrogates, bounded depth and count. What is accepted has
 * exactly one meaning in every reader.
 *
 * Besides its texts a document takes up to some 40 bytes of memory for each value and name, whatever it
 * contains.
 * @param what the document's name in messages.
 * @param max the most values and names of members, each counted where it occurs. Parsing ends at the first
 * that is too many.
 * @throws ParseError
 */
export function parseJson(bytes: Uint8Array, what: string, max: number): JsonValue {
  return new Parser(bytes, what, max, fromUtf8).document();
}

/**
 * Parses in the same way a document that carries files as texts. Texts remain bytes, either decoded ones or
 * views of `bytes`.
 */
export function parseFiles(bytes: Uint8Array, what: string, max: number): Json<Uint8Array> {
  return new Parser(bytes, what, max, wellFormed).document();
}

function wellFormed(text: Uint8Array): Uint8Array {
  requireUtf8(text);
  return text;
}

/** Writes compact JSON in the order of the members. */
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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const LETTER_T = 0x74;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** The first code that is not a control character. JSON forbids those in strings. */
const SPACE = 0x20;

/** The characters that a number may contain. */
const IN_NUMBER = new Set(utf8("-+.eE0123456789"));
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const INTEGER = /^-?[0-9]+$/;

/** The most lists of names that are remembered. The project's own documents have some thirty. */
const MAX_LISTS = 64;

/** The one empty object, which is shared: a separate Map would take sixty times the two bytes of its text. */
const EMPTY_OBJECT = new Map<string, never>();
const EMPTY_ARRAY: readonly never[] = [];

/**
 * Parses the bytes directly. A text of the whole document would take as much memory again, or twice as much
 * if one letter lies beyond Latin-1.
 */
class Parser<T extends Text> {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #max: number;
  #at = 0;
  #count = 0;
  /** The items of all arrays and objects that are being read. */
  readonly #items: Json<T>[] = [];
  /** The lists of member names, each under its names put together. */
  readonly #lists = new Map<string, readonly string[]>();
  readonly #asText: (utf8: Uint8Array) => T;

  constructor(bytes: Uint8Array, what: string, max: number, asText: (utf8: Uint8Array) => T) {
    this.#bytes = bytes;
    this.#what = what;
    this.#max = max;
    this.#asText = asText;
  }

  document(): Json<T> {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#bytes.length) this.#fail("text after the value");
    return value;
  }

  #value(depth: number): Json<T> {
    if (depth > MAX_JSON_DEPTH) this.#fail(`nested deeper than ${MAX_JSON_DEPTH}`);
    this.#spend();
    this.#space();
    switch (this.#bytes[this.#at]) {
      case OPEN_OBJECT:
        return this.#object(depth);
      case OPEN_ARRAY:
        return this.#array(depth);
      case QUOTE:
        return this.#asText(this.#string());
      case LETTER_T:
        return this.#word("true", true);
      case LETTER_F:
        return this.#word("false", false);
      case LETTER_N:
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): ReadonlyMap<string, Json<T>> {
    if (this.#isEmpty(CLOSE_OBJECT)) return EMPTY_OBJECT;
    const from = this.#items.length;
    const names: string[] = [];
    do {
      if (names.length === FEW_MEMBERS) return this.#largeObject(depth, names, this.#taken(from));
      const name = this.#name();
      if (names.includes(name)) this.#failTwice(name);
      names.push(name);
      this.#items.push(this.#value(depth + 1));
    } while (this.#goesOn(CLOSE_OBJECT));
    return new JsonMembers(this.#shared(names), this.#taken(from));
  }

  /** Continues an object after its first members. */
  #largeObject(
    depth: number,
    names: readonly string[],
    values: readonly Json<T>[],
  ): ReadonlyMap<string, Json<T>> {
    const out = new Map<string, Json<T>>();
    for (const [i, name] of names.entries()) out.set(name, values[i] ?? null);
    do {
      const name = this.#name();
      if (out.has(name)) this.#failTwice(name);
      out.set(name, this.#value(depth + 1));
    } while (this.#goesOn(CLOSE_OBJECT));
    return out;
  }

  /** Reads the name of a member and its colon. */
  #name(): string {
    this.#space();
    this.#spend();
    const name = fromUtf8(this.#string());
    this.#space();
    this.#expect(COLON);
    return name;
  }

  #failTwice(name: string): never {
    return this.#fail(`the name ${JSON.stringify(name.slice(0, 80))} twice in one object`);
  }

  /** Returns one shared list for all objects that have the same names. */
  #shared(names: readonly string[]): readonly string[] {
    const key = names.join("\0");
    const known = this.#lists.get(key);
    // A name may contain the separator of the key, so the names are compared too.
    if (known?.length === names.length && known.every((name, i) => name === names[i])) return known;
    const list = names.slice();
    if (this.#lists.size < MAX_LISTS) this.#lists.set(key, list);
    return list;
  }

  #array(depth: number): readonly Json<T>[] {
    if (this.#isEmpty(CLOSE_ARRAY)) return EMPTY_ARRAY;
    const from = this.#items.length;
    do this.#items.push(this.#value(depth + 1));
    while (this.#goesOn(CLOSE_ARRAY));
    return this.#taken(from);
  }

  /** Removes the items from `from` on, and returns them in a list that is no longer than needed. */
  #taken(from: number): readonly Json<T>[] {
    const out = this.#items.slice(from);
    this.#items.length = from;
    return out;
  }

  /** Reads the opening bracket, and also the closing one if it follows. Returns true in that case. */
  #isEmpty(close: number): boolean {
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] !== close) return false;
    this.#at++;
    return true;
  }

  /** Reads the comma or the closing bracket after a member. Returns true for a comma. */
  #goesOn(close: number): boolean {
    this.#space();
    const closed = this.#bytes[this.#at] === close;
    this.#expect(closed ? close : COMMA);
    return !closed;
  }

  /** Reads a string as UTF-8, with its escapes decoded. */
  #string(): Uint8Array {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let isEscaped = false;
    let end = start;
    if (bytes[this.#at] !== QUOTE) this.#fail("not a JSON string");
    for (; bytes[end] !== QUOTE; end++) {
      const byte = bytes[end];
      if (byte === undefined || byte < SPACE) return this.#fail("not a JSON string");
      if (byte !== BACKSLASH) continue;
      isEscaped = true;
      end++;
    }
    const inside = bytes.subarray(start, end);
    const text = isEscaped ? unescaped(inside) : inside;
    if (!text) return this.#fail("not an escape in a JSON string");
    this.#at = end + 1;
    return text;
  }

  #word<V>(word: string, value: V): V {
    for (let i = 0; i < word.length; i++) {
      if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) this.#fail("not a JSON value");
    }
    this.#at += word.length;
    return value;
  }

  #number(): number {
    let end = this.#at;
    while (IN_NUMBER.has(this.#bytes[end] ?? 0)) end++;
    const raw = fromUtf8(this.#bytes.subarray(this.#at, end));
    if (!NUMBER.test(raw)) return this.#fail("not a JSON value");
    const value = Number(raw);
    if (!INTEGER.test(raw) || !Number.isSafeInteger(value)) {
      return this.#fail(`${raw.slice(0, 40)} is not an integer within ±(2^53-1)`);
    }
    this.#at = end;
    return value + 0; // -0 becomes 0
  }

  #spend(): void {
    if (++this.#count > this.#max) this.#fail(`more than ${this.#max} values and names`);
  }

  #expect(byte: number): void {
    if (this.#bytes[this.#at] !== byte) this.#fail(`expected ${String.fromCharCode(byte)}`);
    this.#at++;
  }

  #space(): void {
    for (;;) {
      const next = this.#bytes[this.#at];
      if (next !== SPACE && next !== 0x0a && next !== 0x0d && next !== 0x09) return;
      this.#at++;
    }
  }

  #fail(problem: string): never {
    throw new ParseError(`${this.#what}: ${problem} at byte ${this.#at}`);
  }
}
