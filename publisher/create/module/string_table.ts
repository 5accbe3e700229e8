import { ByteWriter } from "./byte_writer.ts";

/** An ELF string table. It has each string once, and the empty one first. Every character is one byte. */
export class StringTable {
  readonly #writer = new ByteWriter().zeros(1);
  readonly #places = new Map([["", 0]]);

  /** Adds a string, unless the table has it, and returns its offset. */
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

/** Returns the bytes of a string, followed by a NUL. */
export const terminated = (text: string): Uint8Array => Uint8Array.from(Buffer.from(`${text}\0`, "latin1"));
