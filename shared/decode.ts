import { ParseError } from "./errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "./json.ts";
import { MAX_SHORT_TEXT } from "./limits.ts";
import { lineFault } from "./line.ts";

/**
 * Walks a parsed document towards typed values. Every step knows its path, so a message reads
 * `targets: signed.expires: expected a string, had a number`. Throws ParseError.
 */
export class Decoder {
  readonly value: JsonValue | undefined;
  readonly where: string;
  readonly #secret: boolean;

  /** @param secret messages name members and quote no value. */
  constructor(value: JsonValue | undefined, where: string, secret = false) {
    this.value = value;
    this.where = where;
    this.#secret = secret;
  }

  /** A member of an object; one that is absent fails when it is read, unless through `optional`. */
  get(name: string): Decoder {
    return this.#inside(this.object().get(name), this.#path(name));
  }

  optional<T>(read: (present: Decoder) => T): T | undefined {
    return this.value === undefined ? undefined : read(this);
  }

  nullable<T>(read: (present: Decoder) => T): T | null {
    return this.value === null ? null : read(this);
  }

  object(): JsonObject {
    return isJsonObject(this.value) ? this.value : this.#mistyped("an object");
  }

  entries(max: number): readonly (readonly [string, Decoder])[] {
    const object = this.object();
    this.#bounded(object.size, max);
    return [...object].map(([name, value]) => [name, this.#inside(value, this.#path(name))] as const);
  }

  array(max: number): readonly Decoder[] {
    if (!Array.isArray(this.value)) return this.#mistyped("an array");
    const items = this.value as readonly JsonValue[];
    this.#bounded(items.length, max);
    return items.map((value, i) => this.#inside(value, `${this.where}[${i}]`));
  }

  /** @param max in UTF-16 units. */
  string(max: number = MAX_SHORT_TEXT): string {
    if (typeof this.value !== "string") return this.#mistyped("a string");
    this.#bounded(this.value.length, max);
    return this.value;
  }

  /** A line of text for people: no controls, no ends of lines, nothing that reorders what it stands among. */
  line(max?: number): string {
    const text = this.string(max);
    const fault = lineFault(text);
    return fault === undefined ? text : this.fail(fault);
  }

  /** A string of one form. @param what names the form in messages. */
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

  literal<T extends string | number>(expected: T): T {
    if (this.value !== expected) {
      return this.fail(`expected ${JSON.stringify(expected)}, had ${this.#described()}`);
    }
    return expected;
  }

  /** Runs a checker of a string (a brand, hex, base64) and puts the path before what it says. */
  as<T>(check: (text: string) => T, max?: number): T {
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

  #inside(value: JsonValue | undefined, where: string): Decoder {
    return new Decoder(value, where, this.#secret);
  }

  #described(): string {
    if (!this.#secret || !["string", "number"].includes(typeof this.value)) return describe(this.value);
    return typeof this.value === "string" ? "a string" : "a number";
  }

  #path(name: string): string {
    return `${this.where}.${name.slice(0, 80)}`;
  }
}

/** JSON that holds secrets: what is thrown about it says where and what is wrong, and quotes nothing. Throws ParseError. */
export function secretJson(bytes: Uint8Array, what: string): Decoder {
  return new Decoder(parsedSecret(bytes, what), what, true);
}

function parsedSecret(bytes: Uint8Array, what: string): JsonValue {
  try {
    return parseJson(bytes, what);
  } catch (cause) {
    const [place = ""] = / at character \d+$/.exec(cause instanceof Error ? cause.message : "") ?? [];
    throw new ParseError(`${what}: not JSON as it is read here${place}`);
  }
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (isJsonObject(value)) return "an object";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
}
