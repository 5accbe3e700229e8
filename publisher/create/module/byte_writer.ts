import { concatBytes } from "../../../shared/bytes.ts";

/** Gathers the bytes of a file that is written from its start to its end. */
export class ByteWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }

  zeros(count: number): this {
    return this.bytes(new Uint8Array(count));
  }

  finish(): Uint8Array {
    return concatBytes(this.#parts);
  }
}
