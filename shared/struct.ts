import { ByteReader } from "./byte_reader.ts";

/*
 * Declared binary structures: a table for each says where its fields start, and readers and writers both use
 * that table. All numbers are little-endian unless the field says otherwise.
 */

/** A field of a structure. */
export interface Field<T> {
  /** The distance in bytes from the start of the structure. */
  readonly offset: number;
  /** The size in bytes. */
  readonly size: number;
  /** Reads the field of the structure that starts at `base`. @throws ParseError past the end of the reader's bytes. */
  read(reader: ByteReader, base: number): T;
  /** Writes the field. The structure starts where the view starts. */
  write(view: DataView, value: T): void;
}

type Fields = Readonly<Record<string, Field<number> | Field<bigint> | Field<Uint8Array>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
type Values<F> = { readonly [Name in keyof F]?: ValueOf<F[Name]> };

/** A structure of `size` bytes. The bytes between its fields have no name here and are written as zeroes. */
export interface Struct<F extends Fields> {
  readonly size: number;
  readonly fields: F;
  /** Writes a structure. Fields without a value are zero. */
  encode(values: Values<F>): Uint8Array;
  /** Opens the structure at the start of some bytes: each field is read when it is asked for. */
  view(bytes: Uint8Array, what: string): <Name extends keyof F>(name: Name) => ValueOf<F[Name]>;
}

/**
 * Declares a structure.
 * @param size the size in bytes of the whole structure.
 * @throws RangeError for fields that overlap or lie outside of the structure, which is a mistake in the
 * table.
 */
export function struct<F extends Fields>(size: number, fields: F): Struct<F> {
  requireApart(size, fields);
  return {
    size,
    fields,
    encode(values) {
      const bytes = new Uint8Array(size);
      const view = new DataView(bytes.buffer);
      for (const [name, field] of Object.entries(fields)) {
        const value = values[name];
        if (value !== undefined) field.write(view, value as never);
      }
      return bytes;
    },
    view(bytes, what) {
      const reader = new ByteReader(bytes, what);
      return (name) => (fields[name] as Field<ValueOf<F[typeof name]>>).read(reader, 0);
    },
  };
}

function requireApart(size: number, fields: Fields): void {
  let end = 0;
  for (const [name, field] of Object.entries(fields).sort(([, a], [, b]) => a.offset - b.offset)) {
    if (field.offset < end || field.offset + field.size > size)
      throw new RangeError(`the field ${name} of a structure of ${size} bytes does not fit in`);
    end = field.offset + field.size;
  }
}

export const u8 = (offset: number): Field<number> => ({
  offset,
  size: 1,
  read: (reader, base) => reader.seek(base + offset).u8(),
  write: (view, value) => view.setUint8(offset, value),
});

export const u16 = (offset: number): Field<number> => ({
  offset,
  size: 2,
  read: (reader, base) => reader.seek(base + offset).u16(),
  write: (view, value) => view.setUint16(offset, value, true),
});

export const u32 = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (reader, base) => reader.seek(base + offset).u32(),
  write: (view, value) => view.setUint32(offset, value, true),
});

/** Declares a number that is big-endian. */
export const u32be = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (reader, base) => reader.seek(base + offset).u32be(),
  write: (view, value) => view.setUint32(offset, value, false),
});

export const s32 = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (reader, base) => reader.seek(base + offset).s32(),
  write: (view, value) => view.setInt32(offset, value, true),
});

export const u64 = (offset: number): Field<bigint> => ({
  offset,
  size: 8,
  read: (reader, base) => reader.seek(base + offset).u64(),
  write: (view, value) => view.setBigUint64(offset, value, true),
});

export const s64 = (offset: number): Field<bigint> => ({
  offset,
  size: 8,
  read: (reader, base) => reader.seek(base + offset).s64(),
  write: (view, value) => view.setBigInt64(offset, value, true),
});

/** Declares a 64-bit size or file offset, read as a number. Reading throws ParseError past 2^53. */
export const size64 = (offset: number): Field<number> => ({
  offset,
  size: 8,
  read: (reader, base) => reader.seek(base + offset).size64(),
  write: (view, value) => view.setBigUint64(offset, BigInt(value), true),
});

/**
 * Declares bytes that are not a number. Reading returns a view; the value written may be shorter than the
 * field.
 */
export const bytes = (offset: number, size: number): Field<Uint8Array> => ({
  offset,
  size,
  read: (reader, base) => reader.seek(base + offset).take(size),
  write: (view, value) => {
    if (value.length > size) throw new RangeError(`${value.length} bytes in a field of ${size}`);
    new Uint8Array(view.buffer, view.byteOffset).set(value, offset);
  },
});
