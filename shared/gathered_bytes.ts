import { concatBytes, utf8 } from "./bytes.ts";

/**
 * Pieces below this size are copied together, because an array of its own costs some hundred bytes even for
 * one byte.
 */
const SMALL = 4096;
const ROOM = 65_536;

/** Collects bytes up to a limit, from pieces whose sizes the sender chooses. */
export class GatheredBytes {
  readonly #max: number;
  readonly #parts: Uint8Array[] = [];
  /** The buffer for small pieces, and how far it is filled. */
  #room = new Uint8Array();
  #filled = 0;
  #length = 0;

  /** @param max the limit in bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Stores a piece, which must not change afterwards. Returns false, and stores nothing, if the piece would
   * exceed the limit.
   */
  add(piece: Uint8Array): boolean {
    if (this.#length + piece.length > this.#max) return false;
    this.#length += piece.length;
    if (piece.length < SMALL) this.#copy(piece);
    else {
      this.#flush();
      this.#parts.push(piece);
    }
    return true;
  }

  /** Returns all bytes as one array. */
  bytes(): Uint8Array {
    this.#flush();
    return concatBytes(this.#parts);
  }

  #copy(piece: Uint8Array): void {
    if (this.#filled + piece.length > this.#room.length) {
      this.#flush();
      this.#room = new Uint8Array(ROOM);
    }
    this.#room.set(piece, this.#filled);
    this.#filled += piece.length;
  }

  /** Adds the filled bytes of the buffer to the parts, and keeps the rest of the buffer for later pieces. */
  #flush(): void {
    if (this.#filled > 0) this.#parts.push(this.#room.subarray(0, this.#filled));
    this.#room = this.#room.subarray(this.#filled);
    this.#filled = 0;
  }
}

/**
 * Collects everything that arrives. Returns undefined for more than `max` bytes, without waiting for the
 * rest.
 */
export async function gathered(
  pieces: AsyncIterable<Uint8Array | string>,
  max: number,
): Promise<Uint8Array | undefined> {
  const body = new GatheredBytes(max);
  for await (const piece of pieces)
    if (!body.add(typeof piece === "string" ? utf8(piece) : piece)) return undefined;
  return body.bytes();
}
