import { ByteWriter } from "./byte_writer.ts";

/** An ELF string table: each string once, the empty one first. Every character is a byte. */
export class StringTable {
  readonly #writer = new ByteWriter().zeros(1);
  readonly #places = new Map([["", 0]]);

  /** Where the string is. */
  add(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const at = this.#writer.length;
    this.#writer.bytes(terminated(text));
    this.#places.set(text, at);
    return at;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** The bytes of a string, and a NUL. */
export const terminated = (text: string): Uint8Array => Uint8Array.from(Buffer.from(`${text}\0`, "latin1"));
