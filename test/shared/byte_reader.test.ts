import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError } from "../../shared/errors.ts";

describe("the byte reader", () => {
  it("reads little-endian numbers of every width, one after the other", () => {
    const buffer = Buffer.alloc(31);
    buffer.writeUInt8(0xfe, 0);
    buffer.writeUInt16LE(0xfedc, 1);
    buffer.writeUInt32LE(0xfedcba98, 3);
    buffer.writeInt32LE(-2, 7);
    buffer.writeBigUInt64LE(0xfedcba9876543210n, 11);
    buffer.writeBigInt64LE(-3n, 19);
    buffer.set([7, 8, 9, 10], 27);
    const reader = new ByteReader(buffer, "test");
    expect(reader.u8()).toBe(0xfe);
    expect(reader.u16()).toBe(0xfedc);
    expect(reader.u32()).toBe(0xfedcba98);
    expect(reader.s32()).toBe(-2);
    expect(reader.u64()).toBe(0xfedcba9876543210n);
    expect(reader.s64()).toBe(-3n);
    expect([...reader.take(3)]).toEqual([7, 8, 9]);
    expect(reader.position).toBe(30);
    expect(reader.remaining).toBe(1);
  });

  it("sees a part of a larger buffer and nothing around it", () => {
    const whole = Uint8Array.of(1, 2, 3, 4);
    const reader = new ByteReader(whole.subarray(1, 3), "test");
    expect(reader.u16()).toBe(0x0302);
    expect(() => reader.u8()).toThrow("test: wanted 1 byte at 2, 0 left");
  });

  it("reads sizes up to 2^53 - 1", () => {
    const size = (value: bigint) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value, true);
      return new ByteReader(bytes, "test").size64();
    };
    expect(size(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => size(2n ** 53n)).toThrow(ParseError);
    expect(() => size(2n ** 64n - 1n)).toThrow(ParseError);
  });

  it.each([-1, 5, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])(
    "does not go to %d of 4 bytes",
    (at) => {
      const reader = new ByteReader(new Uint8Array(4), "test");
      expect(() => reader.seek(at)).toThrow(ParseError);
      expect(() => reader.take(at)).toThrow(ParseError);
      expect(() => reader.skip(at)).toThrow(ParseError);
      expect(() => new ByteReader(new Uint8Array(4), "test", at)).toThrow(ParseError);
      expect(reader.position).toBe(0);
    },
  );

  it("never reads outside, whatever it is asked for", () => {
    const steps = fc.array(
      fc.oneof(
        fc.constantFrom("u8", "u16", "u32", "s32", "u64", "s64", "size64"),
        fc.integer({ min: -5, max: 40 }),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 32 }), steps, (bytes, asked) => {
        const reader = new ByteReader(bytes, "test");
        for (const step of asked) {
          try {
            if (typeof step === "number") reader.take(step);
            else reader[step as "u8"]();
          } catch (error) {
            expect(error).toBeInstanceOf(ParseError);
          }
          expect(reader.position + reader.remaining).toBe(bytes.length);
          expect(reader.remaining).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
