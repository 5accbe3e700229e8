import { ParseError } from "../errors.ts";

const TOP = 0x100_0000; // below this value the next byte is drawn in
const PROBABILITY_BITS = 11;
const PROBABILITY_ONE = 1 << PROBABILITY_BITS;
const ADAPTATION = 5;

/** Creates probabilities of bits, each of one half at the start. */
export const probabilities = (count: number): Uint16Array =>
  new Uint16Array(count).fill(PROBABILITY_ONE >> 1);

/**
 * LZMA's arithmetic decoder. It reads bits by probabilities that adapt, from `bytes` at `at` on, and throws
 * ParseError at their end.
 */
export class RangeDecoder {
  readonly #bytes: Uint8Array;
  #at: number;
  #range = 0xffff_ffff;
  #code = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    if (this.#next() !== 0) throw new ParseError("LZMA: the first byte of the range coder is not 0");
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  /** The position of the next byte to read. */
  get position(): number {
    return this.#at;
  }

  /** True in the final state, as the encoder ends so that nothing is left over. */
  get isFinished(): boolean {
    return this.#code === 0;
  }

  bit(probabilities: Uint16Array, index: number): number {
    const probability = probabilities[index] ?? 0;
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    let bit: number;
    if (this.#code < bound) {
      this.#range = bound;
      probabilities[index] = probability + ((PROBABILITY_ONE - probability) >> ADAPTATION);
      bit = 0;
    } else {
      this.#range -= bound;
      this.#code -= bound;
      probabilities[index] = probability - (probability >> ADAPTATION);
      bit = 1;
    }
    if (this.#range < TOP) this.#normalise();
    return bit;
  }

  /** Decodes `count` bits, most significant first, by a tree of probabilities that starts at `base`. */
  tree(probabilities: Uint16Array, base: number, count: number): number {
    let node = 1;
    for (let i = 0; i < count; i++) node = (node << 1) | this.bit(probabilities, base + node);
    return node - (1 << count);
  }

  /** Decodes as `tree` does, but least significant bit first. */
  reverseTree(probabilities: Uint16Array, base: number, count: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < count; i++) {
      const bit = this.bit(probabilities, base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /** Decodes `count` bits that have no probabilities. */
  direct(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = ((value << 1) | bit) >>> 0;
      if (this.#range < TOP) this.#normalise();
    }
    return value;
  }

  #normalise(): void {
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  #next(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new ParseError("LZMA: the data is cut off");
    return byte;
  }
}
