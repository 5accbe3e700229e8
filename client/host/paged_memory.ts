import type { TextOffset } from "../../shared/brand.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";

/** The size of a page. To read one takes about as long as to read a variable: most of it is the call. */
const PAGE_BYTES = 4096;
/** The most pages that are kept. The variables of a kernel lie in some 300. */
const MAX_PAGES = 2048;

/**
 * Memory of one moment, for the thousands of variables that decide about a kernel's code: what lies beside a variable
 * is read with it, and kept.
 */
export class PagedMemory implements TextMemory {
  readonly text: TextMemory["text"];
  readonly #memory: TextMemory;
  /** The pages that were read; null for one that cannot be read as a whole. */
  readonly #pages = new Map<number, Uint8Array | null>();

  constructor(memory: TextMemory) {
    this.text = memory.text;
    this.#memory = memory;
  }

  /** Returns a view of a page, or what does not lie in one page is read anew. */
  read(offset: TextOffset, length: number, room?: Uint8Array): Uint8Array {
    const at = offset % PAGE_BYTES;
    const page = at + length <= PAGE_BYTES ? this.#page(offset - at) : null;
    return page?.subarray(at, at + length) ?? this.#memory.read(offset, length, room);
  }

  #page(offset: number): Uint8Array | null {
    const known = this.#pages.get(offset);
    if (known !== undefined) return known;
    if (this.#pages.size === MAX_PAGES) return null;
    const page = this.#tryRead(offset as TextOffset);
    this.#pages.set(offset, page);
    return page;
  }

  #tryRead(offset: TextOffset): Uint8Array | null {
    try {
      const room = new Uint8Array(PAGE_BYTES);
      const bytes = this.#memory.read(offset, PAGE_BYTES, room);
      if (bytes.buffer !== room.buffer) room.set(bytes);
      return room;
    } catch {
      return null; // The memory ends in it. Reading less tells whether what is wanted is there.
    }
  }
}
