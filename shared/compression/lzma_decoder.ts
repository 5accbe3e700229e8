import { ParseError } from "../errors.ts";
import type { LzmaWindow } from "./lzma_window.ts";
import { probabilities, type RangeDecoder } from "./range_decoder.ts";

/**
 * The properties lc, lp and pb: how many bits of the previous byte and of the position choose among
 * probabilities.
 */
export interface LzmaProperties {
  readonly literalContext: number;
  readonly literalPlace: number;
  readonly place: number;
}

const STATES = 12;
const PLACES = 16;
const LITERAL_SIZE = 0x300;
// The states up to 6 follow a literal.
const LITERAL_STATES = 7;
const MIN_MATCH = 2;
const END_MARKER = 0xffff_ffff;

/** Decodes the properties from a byte that is (pb * 5 + lp) * 9 + lc. @throws ParseError */
export function lzmaProperties(byte: number): LzmaProperties {
  const literalContext = byte % 9;
  const literalPlace = Math.floor(byte / 9) % 5;
  const place = Math.floor(byte / 45);
  if (place > 4) throw new ParseError(`LZMA: properties of 0x${byte.toString(16)}`);
  return { literalContext, literalPlace, place };
}

/**
 * The probabilities and the history of one LZMA stream (LZMA specification, Igor Pavlov; the Linux kernel's
 * xz_dec_lzma2.c agrees).
 */
export class LzmaDecoder {
  readonly #properties: LzmaProperties;
  readonly #literals: Uint16Array;
  readonly #isMatch = probabilities(STATES * PLACES);
  readonly #isRepeat = probabilities(STATES);
  readonly #isRepeat0 = probabilities(STATES);
  readonly #isRepeat1 = probabilities(STATES);
  readonly #isRepeat2 = probabilities(STATES);
  readonly #isRepeat0Long = probabilities(STATES * PLACES);
  readonly #slots = probabilities(4 * 64);
  readonly #special = probabilities(128);
  readonly #align = probabilities(16);
  readonly #matchLength = new LengthDecoder();
  readonly #repeatLength = new LengthDecoder();
  #state = 0;
  /** The last four distances, the latest first, each less 1. */
  #first = 0;
  #second = 0;
  #third = 0;
  #fourth = 0;

  constructor(properties: LzmaProperties) {
    this.#properties = properties;
    this.#literals = probabilities(LITERAL_SIZE << (properties.literalContext + properties.literalPlace));
  }

  /**
   * Decodes `limit` bytes, or fewer if an end marker comes before.
   * @returns true if the end marker came.
   * @throws ParseError
   */
  decode(range: RangeDecoder, window: LzmaWindow, limit: number): boolean {
    const end = window.at + limit;
    while (window.at < end) {
      const place = window.count & ((1 << this.#properties.place) - 1);
      if (range.bit(this.#isMatch, this.#state * PLACES + place) === 0) {
        this.#literal(range, window);
        continue;
      }
      const length = this.#match(range, place);
      if (length === undefined) return true;
      if (length > end - window.at) throw new ParseError("LZMA: a match goes past the end of its chunk");
      window.copy(this.#first + 1, length);
    }
    return false;
  }

  /** Tells whether an end marker comes next. */
  isAtEnd(range: RangeDecoder, window: LzmaWindow): boolean {
    const place = window.count & ((1 << this.#properties.place) - 1);
    const isMatch = range.bit(this.#isMatch, this.#state * PLACES + place) === 1;
    return isMatch && this.#match(range, place) === undefined;
  }

  #literal(range: RangeDecoder, window: LzmaWindow): void {
    const { literalContext, literalPlace } = this.#properties;
    const place = window.count & ((1 << literalPlace) - 1);
    const context = (place << literalContext) + (window.behind(1) >> (8 - literalContext));
    const base = LITERAL_SIZE * context;
    let symbol = 1;
    if (this.#state >= LITERAL_STATES) {
      let matched = window.behind(this.#first + 1);
      while (symbol < 0x100) {
        const expected = (matched >> 7) & 1;
        matched <<= 1;
        const bit = range.bit(this.#literals, base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(this.#literals, base + symbol);
    window.put(symbol & 0xff);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  /** Returns the length of the match and makes its distance the first, or undefined for the end marker. */
  #match(range: RangeDecoder, place: number): number | undefined {
    if (range.bit(this.#isRepeat, this.#state) === 1) return this.#repeat(range, place);
    const length = this.#matchLength.decode(range, place);
    this.#state = this.#state < LITERAL_STATES ? 7 : 10;
    this.#fourth = this.#third;
    this.#third = this.#second;
    this.#second = this.#first;
    this.#first = this.#distance(range, length);
    return this.#first === END_MARKER ? undefined : length + MIN_MATCH;
  }

  #repeat(range: RangeDecoder, place: number): number {
    if (range.bit(this.#isRepeat0, this.#state) === 0) {
      if (range.bit(this.#isRepeat0Long, this.#state * PLACES + place) === 0) {
        this.#state = this.#state < LITERAL_STATES ? 9 : 11;
        return 1;
      }
    } else {
      this.#promote(range);
    }
    this.#state = this.#state < LITERAL_STATES ? 8 : 11;
    return this.#repeatLength.decode(range, place) + MIN_MATCH;
  }

  /** Moves an older distance to the front. */
  #promote(range: RangeDecoder): void {
    let distance = this.#second;
    if (range.bit(this.#isRepeat1, this.#state) === 1) {
      distance = this.#third;
      if (range.bit(this.#isRepeat2, this.#state) === 1) {
        distance = this.#fourth;
        this.#fourth = this.#third;
      }
      this.#third = this.#second;
    }
    this.#second = this.#first;
    this.#first = distance;
  }

  #distance(range: RangeDecoder, length: number): number {
    const slot = range.tree(this.#slots, Math.min(length, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return base + range.reverseTree(this.#special, base - slot, bits);
    const high = range.direct(bits - 4) * 16;
    return base + high + range.reverseTree(this.#align, 0, 4);
  }
}

/** Decodes lengths, counted from 0: 8 short and 8 middle ones for each position, and 256 long ones. */
class LengthDecoder {
  readonly #choice = probabilities(2);
  readonly #short = probabilities(PLACES * 8);
  readonly #middle = probabilities(PLACES * 8);
  readonly #long = probabilities(256);

  decode(range: RangeDecoder, place: number): number {
    if (range.bit(this.#choice, 0) === 0) return range.tree(this.#short, place * 8, 3);
    if (range.bit(this.#choice, 1) === 0) return 8 + range.tree(this.#middle, place * 8, 3);
    return 16 + range.tree(this.#long, 0, 8);
  }
}
