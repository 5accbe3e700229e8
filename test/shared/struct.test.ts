import { describe, expect, it } from "vitest";
import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError } from "../../shared/errors.ts";
import { bytes, s32, s64, size64, struct, u8, u16, u32, u32be, u64 } from "../../shared/struct.ts";

const EVERYTHING = struct(48, {
  byte: u8(0),
  short: u16(2),
  word: u32(4),
  signed: s32(8),
  network: u32be(12),
  long: u64(16),
  addend: s64(24),
  size: size64(32),
  tag: bytes(40, 4),
});

const VALUES = {
  byte: 0xfe,
  short: 0xfedc,
  word: 0xfedcba98,
  signed: -2,
  network: 0x0a0b0c0d,
  long: 0xfedcba9876543210n,
  addend: -3n,
  size: 2 ** 40 + 1,
  tag: Uint8Array.of(1, 2, 3, 4),
};

describe("a declared structure", () => {
  it("is written with each field at its place, and zeroes between them", () => {
    expect(Buffer.from(EVERYTHING.encode(VALUES)).toString("hex")).toBe(
      [
        "fe00dcfe98badcfe",
        "feffffff0a0b0c0d",
        "1032547698badcfe",
        "fdffffffffffffff",
        "0100000000010000",
        "0102030400000000",
      ].join(""),
    );
  });

  it("is read as it was written, from wherever it starts", () => {
    const file = Uint8Array.from([9, 9, 9, ...EVERYTHING.encode(VALUES)]);
    const reader = new ByteReader(file, "file");
    for (const [name, field] of Object.entries(EVERYTHING.fields)) {
      expect(field.read(reader, 3)).toEqual(VALUES[name as keyof typeof VALUES]);
    }
    const view = EVERYTHING.view(file.subarray(3), "file");
    expect([view("byte"), view("long"), view("size")]).toEqual([0xfe, VALUES.long, VALUES.size]);
  });

  it("has zeroes where it is given no value, and takes bytes that are shorter than their field", () => {
    expect(EVERYTHING.encode({}).every((byte) => byte === 0)).toBe(true);
    expect(EVERYTHING.encode({ tag: Uint8Array.of(7) }).subarray(40, 44)).toEqual(Uint8Array.of(7, 0, 0, 0));
    expect(() => EVERYTHING.encode({ tag: new Uint8Array(5) })).toThrow(RangeError);
  });

  it("is not read past the end of the bytes", () => {
    const short = new ByteReader(EVERYTHING.encode(VALUES).subarray(0, 39), "file");
    expect(EVERYTHING.fields.addend.read(short, 0)).toBe(-3n);
    expect(() => EVERYTHING.fields.size.read(short, 0)).toThrow(ParseError);
    expect(() => EVERYTHING.fields.size.read(short, 2 ** 53)).toThrow(ParseError);
  });

  it("has no size that a number cannot say", () => {
    const huge = struct(8, { size: u64(0) }).encode({ size: 2n ** 53n });
    expect(() => struct(8, { size: size64(0) }).view(huge, "file")("size")).toThrow(ParseError);
  });

  it("has fields that lie apart, and within it", () => {
    expect(() => struct(8, { one: u32(0), two: u16(2) })).toThrow(RangeError);
    expect(() => struct(8, { one: u32(6) })).toThrow(RangeError);
    expect(struct(8, { two: u16(4), one: u32(0) }).size).toBe(8);
  });
});
