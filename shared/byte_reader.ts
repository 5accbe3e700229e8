import { counted } from "./counted.ts";
import { ParseError } from "./errors.ts";

/**
 * The only cursor over hostile bytes. Numbers are little-endian, as in every format that is read here.
 * Each read is bounded. A read past the end throws a ParseError that names what was wanted, where, and what
 * was left.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at: number;

  /** @param what the name of the format, for messages: "ELF header", "LZ4 block". */
  constructor(bytes: Uint8Array, what: string, at = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#at = 0;
    this.seek(at);
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  seek(at: number): this {
    if (!Number.isSafeInteger(at) || at < 0 || at > this.bytes.length) {
      throw new ParseError(
        `${this.#what}: position ${at} is outside of its ${counted(this.bytes.length, "byte")}`,
      );
    }
    this.#at = at;
    return this;
  }

  skip(count: number): this {
    return this.seek(this.#at + count);
  }

  u8(): number {
    // This is by far the most frequent read, so it skips the checks that longer reads need.
    const byte = this.bytes[this.#at] ?? this.#take(1);
    this.#at += 1;
    return byte;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Reads a big-endian number. */
  u32be(): number {
    return this.#view.getUint32(this.#take(4), false);
  }

  s32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  s64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /** Reads a 64-bit size or file offset as a number. @throws ParseError past 2^53. */
  size64(): number {
    const at = this.#at;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new ParseError(`${this.#what}: value ${value} at ${at} is too large for a size`);
    }
    return Number(value);
  }

  /** Returns a view of the next `count` bytes, not a copy. */
  take(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  #take(count: number): number {
    const at = this.#at;
    if (!Number.isSafeInteger(count) || count < 0 || count > this.bytes.length - at) {
      throw new ParseError(
        `${this.#what}: wanted ${counted(count, "byte")} at ${at}, ${this.bytes.length - at} left`,
      );
    }
    this.#at = at + count;
    return at;
  }
}
