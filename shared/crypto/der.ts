import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError } from "../errors.ts";

/** The tags of X.690 that public keys and signatures are made of. */
export const DER = { integer: 0x02, bitString: 0x03, null: 0x05, oid: 0x06, sequence: 0x30 } as const;

/**
 * Reads DER (X.690 section 10): one encoding for each value, so a length that is longer than it needs to be, an
 * indefinite length and an integer with spare bytes are refused.
 *
 * @throws ParseError
 */
export class DerReader {
  readonly #bytes: ByteReader;
  readonly #what: string;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = new ByteReader(bytes, what);
    this.#what = what;
  }

  /** Returns the content of the next value, which must have this tag. */
  value(tag: number): Uint8Array {
    const at = this.#bytes.position;
    const found = this.#bytes.u8();
    if (found !== tag) this.#fail(`tag ${found} at ${at} where ${tag} was expected`);
    return this.#bytes.take(this.#length());
  }

  inside(tag: number): DerReader {
    return new DerReader(this.value(tag), this.#what);
  }

  /** Returns a positive integer or zero, big-endian, without leading zeroes: zero has no bytes. */
  unsigned(): Uint8Array {
    const bytes = this.value(DER.integer);
    const [first = 0x80, second = 0x80] = bytes;
    if (first >= 0x80) this.#fail("a negative or empty integer");
    if (first === 0 && second < 0x80) this.#fail("an integer with spare bytes");
    return first === 0 ? bytes.subarray(1) : bytes;
  }

  end(): void {
    if (this.#bytes.remaining > 0) this.#fail(`${counted(this.#bytes.remaining, "byte")} too many`);
  }

  /** Reads a length (X.690 8.1.3 and 10.1). Nothing that is read here is longer than 64 KB. */
  #length(): number {
    const first = this.#bytes.u8();
    if (first < 0x80) return first;
    if (first !== 0x81 && first !== 0x82) return this.#fail("a length of an unusual form");
    const long = first === 0x82;
    const length = long ? this.#bytes.u8() * 256 + this.#bytes.u8() : this.#bytes.u8();
    return length < (long ? 256 : 128) ? this.#fail("a length that is longer than it needs to be") : length;
  }

  #fail(problem: string): never {
    throw new ParseError(`${this.#what}: ${problem}`);
  }
}
