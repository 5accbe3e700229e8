import { concatBytes, utf8 } from "./bytes.ts";

/** A piece below is copied together with others: kept by itself it would cost some hundred bytes, if it were one byte long. */
const SMALL = 4096;
const ROOM = 65_536;

/** What arrives in pieces, of which the sender chooses the sizes, up to a limit. */
export class GatheredBytes {
  readonly #max: number;
  readonly #parts: Uint8Array[] = [];
  /** Where small pieces go, and how far it is filled. */
  #room = new Uint8Array();
  #filled = 0;
  #length = 0;

  /** @param max bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Keeps a piece, which must not change. False, and nothing is kept, where it makes more than the limit. */
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

  /** All of it, as one. */
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

  /** What is filled becomes a part; the rest of the room is there for the next. */
  #flush(): void {
    if (this.#filled > 0) this.#parts.push(this.#room.subarray(0, this.#filled));
    this.#room = this.#room.subarray(this.#filled);
    this.#filled = 0;
  }
}

/** All that comes; undefined where that is more than `max` bytes: then the rest is not waited for. */
export async function gathered(
  pieces: AsyncIterable<Uint8Array | string>,
  max: number,
): Promise<Uint8Array | undefined> {
  const body = new GatheredBytes(max);
  for await (const piece of pieces)
    if (!body.add(typeof piece === "string" ? utf8(piece) : piece)) return undefined;
  return body.bytes();
}
