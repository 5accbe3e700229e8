import { counted } from "../counted.ts";
import { ParseError } from "../errors.ts";

/** The latest output, from which matches copy, including the bytes that were not yet taken. */
export class LzmaWindow {
  readonly #bytes: Uint8Array;
  readonly #dictionary: number;
  /** The position of the last dictionary reset; below 0 once the window has moved past it. */
  #start = 0;
  #taken = 0;
  at = 0;

  /**
   * @param dictionary how far back a match may reach, in bytes.
   * @param size the length of the window in bytes, which is all of its memory. What exceeds the dictionary is
   * room for output between two calls of `take`.
   */
  constructor(dictionary: number, size: number) {
    this.#bytes = new Uint8Array(size);
    this.#dictionary = dictionary;
  }

  reset(): void {
    this.#start = this.at;
  }

  /** The number of bytes put out since the reset. */
  get count(): number {
    return this.at - this.#start;
  }

  /** Returns the byte that is `distance` back (1 is the last one), or 0 before the start. */
  behind(distance: number): number {
    return distance > this.count ? 0 : (this.#bytes[this.at - distance] ?? 0);
  }

  put(byte: number): void {
    if (this.at >= this.#bytes.length) throw tooMuch();
    this.#bytes[this.at++] = byte;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length > this.#bytes.length - this.at) throw tooMuch();
    this.#bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Copies a match. Source and destination may overlap: a match that reaches into itself repeats. */
  copy(distance: number, length: number): void {
    const { at } = this;
    const reach = Math.min(this.count, this.#dictionary);
    if (distance > reach)
      throw new ParseError(`LZMA: a match ${counted(distance, "byte")} back, ${reach} are there`);
    if (length > this.#bytes.length - at) throw tooMuch();
    if (distance >= length) this.#bytes.copyWithin(at, at - distance, at - distance + length);
    else for (let i = at; i < at + length; i++) this.#bytes[i] = this.#bytes[i - distance] ?? 0;
    this.at = at + length;
  }

  /** Returns the output since the last call as a view, which is valid until more is put in. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#taken, this.at);
    this.#taken = this.at;
    return taken;
  }

  /** Makes room for `count` bytes. All output must have been taken before. */
  makeRoom(count: number): void {
    if (this.at + count <= this.#bytes.length) return;
    const dropped = this.at - this.#dictionary;
    if (dropped <= 0) return;
    this.#bytes.copyWithin(0, dropped, this.at);
    this.#start -= dropped;
    this.at -= dropped;
    this.#taken = this.at;
  }
}

const tooMuch = (): ParseError => new ParseError("LZMA: more data than was announced");
