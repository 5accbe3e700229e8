import type { TextOffset } from "../../shared/brand.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";

/** One read of /proc/kcore costs as much as some thousands of bytes of it. */
const WINDOW_BYTES = 1024 * 1024;

/** Memory that is gone through once, from low to high: read in large pieces, of which one is kept. */
export class TextWindow implements TextMemory {
  readonly text: TextMemory["text"];
  readonly #memory: TextMemory;
  readonly #end: number;
  #start = 0;
  #bytes = new Uint8Array();

  /** @param end nothing is read ahead from here on. */
  constructor(memory: TextMemory, end: number) {
    this.text = memory.text;
    this.#memory = memory;
    this.#end = end;
  }

  /** Moves on to where the next bytes are wanted. */
  advance(offset: TextOffset, length: number): void {
    if (this.#holds(offset, length)) return;
    const size = Math.max(length, Math.min(WINDOW_BYTES, this.#end - offset));
    this.#bytes = new Uint8Array(this.#memory.read(offset, size));
    this.#start = offset;
  }

  /** A view where the window has it; what lies elsewhere, such as variables, is read by itself. */
  read(offset: TextOffset, length: number): Uint8Array {
    if (!this.#holds(offset, length)) return this.#memory.read(offset, length);
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }

  #holds(offset: number, length: number): boolean {
    return offset >= this.#start && offset + length <= this.#start + this.#bytes.length;
  }
}
