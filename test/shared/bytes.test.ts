import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from "../../shared/bytes.ts";
import { ParseError } from "../../shared/errors.ts";

const anyBytes = fc.uint8Array({ maxLength: 300 });

describe("hex and base64", () => {
  it("agree with Node's on every byte", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
  });

  it.each(["0", "0g", "AB", " 00", "00\n", "0x00", "é0"])("%j is not hex", (text) => {
    expect(() => fromHex(text)).toThrow(ParseError);
  });

  it.each(["A", "AA", "AAA", "AA=", "AB==", "AAB=", "A===", "A-__", " AAAA", "AAAA\n", "AA==AA==", "=", "é"])(
    "%j is not base64 in the one form that is taken",
    (text) => {
      expect(() => fromBase64(text)).toThrow(ParseError);
    },
  );
});

describe("UTF-8", () => {
  it("is decoded without loss, byte order mark included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(text.isWellFormed());
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
    );
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });

  it("of arbitrary bytes is a text that stands for them, or an error", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        try {
          expect(utf8(fromUtf8(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ParseError);
        }
      }),
    );
  });
});

describe("bytes", () => {
  it("are equal when each is", () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
  });

  it("are joined in order", () => {
    expect(concatBytes([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)])).toEqual(
      Uint8Array.of(1, 2, 3),
    );
    expect(concatBytes([])).toEqual(new Uint8Array(0));
  });

  it("are joined from more parts than a call takes arguments", () => {
    const joined = concatBytes(Array.from({ length: 200_000 }, (_, i) => Uint8Array.of(i)));
    expect([joined.length, joined[199_999]]).toEqual([200_000, 199_999 % 256]);
  });
});
