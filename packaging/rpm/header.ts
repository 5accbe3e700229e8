/*
 * The header of an RPM package (format 4): a table of tags, each with a type, a place and a count, and a store of their
 * values. The first entry is the "region": it says that all that follows is as it was signed, by a copy of itself at the
 * end of the store.
 */

export type Value =
  | { readonly type: "int16" | "int32"; readonly values: readonly number[] }
  | { readonly type: "string"; readonly text: string }
  | { readonly type: "strings" | "i18n"; readonly texts: readonly string[] }
  | { readonly type: "binary"; readonly bytes: Uint8Array };

type Tags = ReadonlyMap<number, Value>;

const MAGIC = Buffer.from([0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0]);
const TYPES = { int16: 3, int32: 4, string: 6, binary: 7, strings: 8, i18n: 9 } as const;
const ALIGNMENT = { int16: 2, int32: 4, string: 1, binary: 1, strings: 1, i18n: 1 } as const;
const ENTRY_BYTES = 16;

/** @param region the tag of the region: 62 for signatures, 63 for the header itself. */
export function header(region: number, tags: Tags): Buffer {
  const entries: Buffer[] = [];
  const store: Uint8Array[] = [];
  let length = 0;
  const append = (bytes: Uint8Array) => {
    store.push(bytes);
    length += bytes.length;
  };
  for (const [tag, value] of [...tags].sort(([a], [b]) => a - b)) {
    const alignment = ALIGNMENT[value.type];
    append(Buffer.alloc((alignment - (length % alignment)) % alignment));
    entries.push(words(tag, TYPES[value.type], length, countOf(value)));
    append(encode(value));
  }
  const count = entries.length + 1;
  entries.unshift(words(region, TYPES.binary, length, ENTRY_BYTES));
  append(words(region, TYPES.binary, -count * ENTRY_BYTES, ENTRY_BYTES));
  return Buffer.concat([MAGIC, words(count, length), ...entries, ...store]);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value | 0, 4 * index);
  return bytes;
}

function countOf(value: Value): number {
  switch (value.type) {
    case "int16":
    case "int32":
      return value.values.length;
    case "string":
      return 1;
    case "strings":
    case "i18n":
      return value.texts.length;
    case "binary":
      return value.bytes.length;
  }
}

function encode(value: Value): Uint8Array {
  switch (value.type) {
    case "int16":
      return Buffer.from(value.values.flatMap((number) => [(number >> 8) & 0xff, number & 0xff]));
    case "int32":
      return words(...value.values);
    case "string":
      return Buffer.from(`${value.text}\0`);
    case "strings":
    case "i18n":
      return Buffer.from(value.texts.map((text) => `${text}\0`).join(""));
    case "binary":
      return value.bytes;
  }
}
