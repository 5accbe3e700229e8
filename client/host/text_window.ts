import type { TextOffset } from "../../shared/brand.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";

/** The size of one read. A call to read /proc/kcore costs as much as several thousand bytes of it. */
const WINDOW_BYTES = 1024 * 1024;

/** Memory that is read once in ascending order, in large pieces of which one is kept. */
export class TextWindow implements TextMemory {
  readonly text: TextMemory["text"];
  readonly #memory: TextMemory;
  readonly #end: number;
  /** What windows are read into, one after the other: new memory for each takes as long as reading it. */
  #room = new Uint8Array();
  #start = 0;
  #bytes = new Uint8Array();

  /** @param end the offset from which on nothing is read ahead. */
  constructor(memory: TextMemory, end: number) {
    this.text = memory.text;
    this.#memory = memory;
    this.#end = end;
  }

  /** Moves the window to the next bytes. */
  advance(offset: TextOffset, length: number): void {
    if (this.#contains(offset, length)) return;
    const size = Math.max(length, Math.min(WINDOW_BYTES, this.#end - offset));
    if (this.#room.length < size) this.#room = new Uint8Array(size);
    const room = this.#room.subarray(0, size);
    const bytes = this.#memory.read(offset, size, room);
    if (bytes.buffer !== room.buffer) room.set(bytes);
    this.#bytes = room;
    this.#start = offset;
  }

  /**
   * Returns a view of the window, which the next `advance` changes. Bytes outside it, such as variables, are read
   * separately.
   */
  read(offset: TextOffset, length: number): Uint8Array {
    if (!this.#contains(offset, length)) return this.#memory.read(offset, length);
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }

  #contains(offset: number, length: number): boolean {
    return offset >= this.#start && offset + length <= this.#start + this.#bytes.length;
  }
}
