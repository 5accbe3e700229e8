import { concatBytes } from "../../../shared/bytes.ts";

/** Appends little-endian fields. */
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

  u8(value: number): this {
    return this.#field(value, 1);
  }

  u16(value: number): this {
    return this.#field(value, 2);
  }

  u32(value: number): this {
    return this.#field(value, 4);
  }

  /** Negative values wrap. */
  u64(value: bigint | number): this {
    return this.#field(value, 8);
  }

  finish(): Uint8Array {
    return concatBytes(this.#parts);
  }

  #field(value: bigint | number, size: 1 | 2 | 4 | 8): this {
    return this.bytes(littleEndian(value, size));
  }
}

/** `size` bytes; negative values wrap. */
export function littleEndian(value: bigint | number, size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return bytes.subarray(0, size);
}
