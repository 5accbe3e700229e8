import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "../../../../shared/byte_reader.ts";
import { ParseError } from "../../../../shared/errors.ts";
import {
  pushSignedVarint,
  pushVarint,
  readSignedVarint,
  readVarint,
} from "../../../../shared/runpre/file/varint.ts";

const read = (...bytes: readonly number[]): number =>
  readVarint(new ByteReader(Uint8Array.from(bytes), "test"));

describe("numbers of a fingerprint file", () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [2 ** 35 - 1, [0xff, 0xff, 0xff, 0xff, 0x7f]],
  ])("%i has one form", (value, bytes) => {
    const out: number[] = [];
    pushVarint(out, value);
    expect(out).toEqual(bytes);
    expect(read(...bytes)).toBe(value);
  });

  it.each([
    [[0x80, 0]],
    [[0x80]],
    [[]],
    [[0xff, 0xff, 0xff, 0xff, 0x80]],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 1]],
  ])("%j is none", (bytes) => {
    expect(() => read(...bytes)).toThrow(ParseError);
  });

  it.each([-1, 0.5, 2 ** 35, Number.NaN])("%d cannot be written", (value) => {
    expect(() => pushVarint([], value)).toThrow(ParseError);
  });

  it("come back, of either sign", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), (value) => {
        const out: number[] = [];
        pushSignedVarint(out, value);
        expect(readSignedVarint(new ByteReader(Uint8Array.from(out), "test"))).toBe(value);
      }),
    );
  });
});
