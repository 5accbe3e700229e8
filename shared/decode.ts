import { fromUtf8 } from "./bytes.ts";
import { counted } from "./counted.ts";
import { ParseError } from "./errors.ts";
import { isJsonObject, type Json, type JsonValue, parseJson, type Text } from "./json.ts";
import { MAX_SHORT_TEXT } from "./limits.ts";
import { lineFault } from "./line.ts";

/**
 * Walks a parsed document towards typed values. Every step knows its path, so a message reads `targets:
 * signed.expires: expected a string, had a number`. All checks throw ParseError.
 * @typeParam T bytes for a document whose texts were left as bytes.
 */
export class Decoder<T extends Text = string> {
  readonly value: Json<T> | undefined;
  /** The parts of the path. It is put together only when a message needs it. */
  readonly #from: string | Decoder<T>;
  readonly #step: string | number;
  readonly #secret: boolean;

  /**
   * @param from the document's name, or the decoder of which this is a member or an item. In that case `step`
   * is the member's name or the item's number.
   * @param secret true if messages may name members but must not quote values.
   */
  constructor(
    value: Json<T> | undefined,
    from: string | Decoder<T>,
    step: string | number = "",
    secret = false,
  ) {
    this.value = value;
    this.#from = from;
    this.#step = step;
    this.#secret = secret;
  }

  get where(): string {
    const [from, step] = [this.#from, this.#step];
    if (typeof from === "string") return from;
    return typeof step === "number" ? `${from.where}[${step}]` : `${from.where}.${step.slice(0, 80)}`;
  }

  /**
   * Returns a member of an object. An absent member fails when it is read, unless it is read through
   * `optional`.
   */
  get(name: string): Decoder<T> {
    return this.#inside(this.object().get(name), name);
  }

  optional<R>(read: (present: Decoder<T>) => R): R | undefined {
    return this.value === undefined ? undefined : read(this);
  }

  nullable<R>(read: (present: Decoder<T>) => R): R | null {
    return this.value === null ? null : read(this);
  }

  object(): ReadonlyMap<string, Json<T>> {
    return isJsonObject(this.value) ? this.value : this.#mistyped("an object");
  }

  entries(max: number): readonly (readonly [string, Decoder<T>])[] {
    const object = this.object();
    this.#bounded(object.size, max);
    return [...object].map(([name, value]) => [name, this.#inside(value, name)] as const);
  }

  array(max: number): readonly Decoder<T>[] {
    if (!Array.isArray(this.value)) return this.#mistyped("an array");
    const items = this.value as readonly Json<T>[];
    this.#bounded(items.length, max);
    return items.map((value, i) => this.#inside(value, i));
  }

  /** @param max the largest length in UTF-16 units. */
  string(max: number = MAX_SHORT_TEXT): string {
    const { value } = this;
    if (typeof value === "string") {
      this.#bounded(value.length, max);
      return value;
    }
    return fromUtf8(this.file(max));
  }

  /** Returns a text that was left as bytes. @param max the largest length in bytes. */
  file(max: number): Uint8Array {
    if (!(this.value instanceof Uint8Array)) return this.#mistyped("a string");
    this.#bounded(this.value.length, max);
    return this.value;
  }

  /**
   * Returns a line of text for people: it has no control characters, no line ends, and nothing that reorders
   * the text around it.
   */
  line(max?: number): string {
    const text = this.string(max);
    const fault = lineFault(text);
    return fault === undefined ? text : this.fail(fault);
  }

  /** Returns a string that matches a pattern. @param what the name of the pattern in messages. */
  matching(pattern: RegExp, what: string): string {
    const text = this.string();
    return pattern.test(text) ? text : this.fail(`not ${what}: ${describe(text)}`);
  }

  integer(min: number, max: number = Number.MAX_SAFE_INTEGER): number {
    if (typeof this.value !== "number") return this.#mistyped("an integer");
    if (this.value < min || this.value > max) {
      return this.fail(`${this.#secret ? "a number that" : this.value} is not in ${min} to ${max}`);
    }
    return this.value;
  }

  boolean(): boolean {
    return typeof this.value === "boolean" ? this.value : this.#mistyped("true or false");
  }

  literal<L extends string | number>(expected: L): L {
    const value = this.value instanceof Uint8Array ? fromUtf8(this.value) : this.value;
    if (value !== expected) {
      return this.fail(`expected ${JSON.stringify(expected)}, had ${this.#described()}`);
    }
    return expected;
  }

  /** Runs a checker of a string (a brand, hex, base64) and puts the path before its message. */
  as<R>(check: (text: string) => R, max?: number): R {
    const text = this.string(max);
    try {
      return check(text);
    } catch (cause) {
      if (this.#secret) return this.fail("not of the form that it must have");
      return this.fail(cause instanceof Error ? cause.message : String(cause));
    }
  }

  fail(problem: string): never {
    throw new ParseError(`${this.where}: ${problem}`);
  }

  #bounded(count: number, max: number): void {
    if (count > max) this.fail(`${count} is more than the ${max} allowed`);
  }

  #mistyped(expected: string): never {
    return this.fail(`expected ${expected}, had ${this.#described()}`);
  }

  #inside(value: Json<T> | undefined, step: string | number): Decoder<T> {
    return new Decoder(value, this, step, this.#secret);
  }

  #described(): string {
    if (!this.#secret || !["string", "number"].includes(typeof this.value)) return describe(this.value);
    return typeof this.value === "string" ? "a string" : "a number";
  }
}

/**
 * Parses JSON that holds secrets: its errors say where and what is wrong, and quote nothing.
 * @param max the most values and names.
 * @throws ParseError
 */
export function secretJson(bytes: Uint8Array, what: string, max: number): Decoder {
  return new Decoder(parsedSecret(bytes, what, max), what, "", true);
}

function parsedSecret(bytes: Uint8Array, what: string, max: number): JsonValue {
  try {
    return parseJson(bytes, what, max);
  } catch (cause) {
    const [place = ""] = / at byte \d+$/.exec(cause instanceof Error ? cause.message : "") ?? [];
    throw new ParseError(`${what}: not JSON as it is read here${place}`);
  }
}

function describe(value: Json<Text> | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (isJsonObject(value)) return "an object";
  if (value instanceof Uint8Array) return `a text of ${counted(value.length, "byte")}`;
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
}
