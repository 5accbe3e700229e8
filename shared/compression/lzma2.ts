import type { ByteReader } from "../byte_reader.ts";
import { ParseError } from "../errors.ts";
import { LzmaDecoder, type LzmaProperties, lzmaProperties } from "./lzma_decoder.ts";
import type { LzmaWindow } from "./lzma_window.ts";
import { RangeDecoder } from "./range_decoder.ts";

/** The largest length of a chunk, which has 21 bits. */
export const MAX_CHUNK = 1 << 21;
const LZMA_CHUNK = 0x80;
const DICTIONARY_RESET = 1;
const UNCOMPRESSED = 2;
const MAX_LITERAL_BITS = 4; // LZMA2 limits lc + lp

/** The resets that an LZMA chunk makes (bits 5 and 6 of its first byte). Each includes those before it. */
const RESET = { state: 1, properties: 2, dictionary: 3 } as const;

/** Yields the chunks of one LZMA2 stream as views, each valid until the next is drawn. @throws ParseError */
export function* lzma2Chunks(reader: ByteReader, window: LzmaWindow): Generator<Uint8Array, void> {
  let decoder: LzmaDecoder | undefined;
  let properties: LzmaProperties | undefined;
  let needsDictionary = true;
  for (let control = reader.u8(); control !== 0; control = reader.u8()) {
    window.makeRoom(MAX_CHUNK);
    const reset = control >= LZMA_CHUNK ? (control >> 5) & 3 : 0;
    if (control === DICTIONARY_RESET || reset === RESET.dictionary) {
      window.reset();
      needsDictionary = false;
      properties = undefined;
      decoder = undefined;
    }
    if (needsDictionary) throw new ParseError("LZMA2: no dictionary at the start");
    if (control < LZMA_CHUNK) {
      if (control > UNCOMPRESSED) throw new ParseError(`LZMA2: a chunk of kind ${control}`);
      window.append(reader.take(bigEndian16(reader) + 1));
      yield window.take();
      continue;
    }
    const length = ((control & 0x1f) << 16) + bigEndian16(reader) + 1;
    const packed = bigEndian16(reader) + 1;
    if (reset >= RESET.properties) properties = chunkProperties(reader.u8());
    if (reset >= RESET.state) decoder = properties && new LzmaDecoder(properties);
    if (decoder === undefined) throw new ParseError("LZMA2: a chunk without properties");
    decodeChunk(decoder, reader.take(packed), window, length);
    yield window.take();
  }
}

function decodeChunk(decoder: LzmaDecoder, packed: Uint8Array, window: LzmaWindow, length: number): void {
  const range = new RangeDecoder(packed, 0);
  const isEnded = decoder.decode(range, window, length);
  if (isEnded || !range.isFinished || range.position !== packed.length) {
    throw new ParseError("LZMA2: the chunk is damaged");
  }
}

function chunkProperties(byte: number): LzmaProperties {
  const properties = lzmaProperties(byte);
  if (properties.literalContext + properties.literalPlace > MAX_LITERAL_BITS) {
    throw new ParseError("LZMA2: more than 4 bits of context for literals");
  }
  return properties;
}

const bigEndian16 = (reader: ByteReader): number => (reader.u8() << 8) | reader.u8();
