const CRC32_POLYNOMIAL = 0xedb88320;
// CRC-64 of ECMA-182, reflected, kept as two halves.
const CRC64_LOW = 0xd7870f42;
const CRC64_HIGH = 0xc96c5795;

const TABLE_32 = new Uint32Array(256);
const TABLE_LOW = new Uint32Array(256);
const TABLE_HIGH = new Uint32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    crc = (crc >>> 1) ^ (crc & 1 ? CRC32_POLYNOMIAL : 0);
    const carry = low & 1;
    low = (low >>> 1) | ((high & 1) << 31);
    high >>>= 1;
    if (carry) {
      low ^= CRC64_LOW;
      high ^= CRC64_HIGH;
    }
  }
  TABLE_32[byte] = crc;
  TABLE_LOW[byte] = low;
  TABLE_HIGH[byte] = high;
}

/** A checksum over bytes that come in pieces. `value` has the byte order in which the xz format stores it. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  value(): Uint8Array;
}

export function crc32(): Checksum {
  let crc = 0xffff_ffff;
  return {
    update(bytes) {
      for (const byte of bytes) crc = (TABLE_32[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
    },
    value: () => littleEndian(~crc),
  };
}

export function crc64(): Checksum {
  let low = 0xffff_ffff;
  let high = 0xffff_ffff;
  return {
    update(bytes) {
      for (const byte of bytes) {
        const index = (low ^ byte) & 0xff;
        low = (TABLE_LOW[index] ?? 0) ^ ((low >>> 8) | (high << 24));
        high = (TABLE_HIGH[index] ?? 0) ^ (high >>> 8);
      }
    },
    value: () => littleEndian(~low, ~high),
  };
}

const littleEndian = (...words: readonly number[]): Uint8Array =>
  Uint8Array.from(words.flatMap((word) => [word, word >>> 8, word >>> 16, word >>> 24]));
