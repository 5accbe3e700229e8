import { concatBytes } from "../bytes.ts";
import { ParseError, RebootlessError } from "../errors.ts";

/** Bytes that come in pieces. Each piece is valid until the next one is drawn. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

const FIRST_ROOM = 64 * 1024;

/**
 * Reads forwards through the unpacked bytes of an archive, and holds no more of them than the caller asks
 * for.
 */
export class ByteStream {
  readonly #source: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #what: string;
  readonly #maxBytes: number;
  #chunk: Uint8Array = new Uint8Array();
  #drawn = 0;

  /**
   * @param maxBytes the largest length of the whole stream.
   * @throws RebootlessError `limit` (from a read) when the stream is longer.
   */
  constructor(chunks: Chunks, what: string, maxBytes: number) {
    this.#source = Symbol.iterator in chunks ? chunks[Symbol.iterator]() : chunks[Symbol.asyncIterator]();
    this.#what = what;
    this.#maxBytes = maxBytes;
  }

  /**
   * Returns a copy of the next `count` bytes. Memory grows with the bytes that arrive, not with the announced
   * length.
   */
  async take(count: number): Promise<Uint8Array> {
    let bytes = new Uint8Array(Math.min(count, FIRST_ROOM));
    let had = 0;
    while (had < count) {
      const piece = await this.#next(count - had);
      if (had + piece.length > bytes.length) {
        const larger = new Uint8Array(Math.min(count, Math.max(2 * bytes.length, had + piece.length)));
        larger.set(bytes.subarray(0, had));
        bytes = larger;
      }
      bytes.set(piece, had);
      had += piece.length;
    }
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.#next(left)).length;
  }

  /** Returns a copy of everything that is left. */
  async rest(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [new Uint8Array(this.#chunk)];
    while (await this.#draw()) pieces.push(new Uint8Array(this.#chunk));
    return concatBytes(pieces);
  }

  /** Reads to the end, where some formats have the checksum of the bytes before it. */
  async drain(): Promise<void> {
    this.#chunk = new Uint8Array();
    while (await this.#draw());
  }

  /** Closes the source without reading what is left. */
  async close(): Promise<void> {
    this.#chunk = new Uint8Array();
    await this.#source.return?.();
  }

  /** Returns a view of at most `max` bytes. @throws ParseError at the end. */
  async #next(max: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      if (!(await this.#draw())) throw new ParseError(`${this.#what}: the data ends too early`);
    }
    const piece = this.#chunk.subarray(0, max);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  async #draw(): Promise<boolean> {
    const drawn = await this.#source.next();
    if (drawn.done) return false;
    this.#chunk = drawn.value;
    this.#drawn += drawn.value.length;
    if (this.#drawn > this.#maxBytes) {
      throw new RebootlessError("limit", `${this.#what}: more than ${this.#maxBytes} bytes unpacked`);
    }
    return true;
  }
}
