import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { crc32, crc64 } from "../../../shared/compression/crc.ts";
import { decompressLzma } from "../../../shared/compression/lzma.ts";
import { gather, xzChunks } from "../../../shared/compression/xz.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { refusedByProgram, xz } from "./xz_program.ts";

const MAX = 1 << 24;
const unxz = (bytes: Uint8Array, max = MAX): Uint8Array => gather(xzChunks(bytes, max), max);

/** Machine code, so that the x86 filter has something to do, and longer than a chunk. */
const code = new Uint8Array(readFileSync(process.execPath).subarray(0x100_0000, 0x130_0000));
const text = new TextEncoder().encode("rebootless updates, every function of every kernel. ".repeat(40));

/** What LZMA2 allows: lc and lp together are 4 at the most. */
const LITERAL_BITS = [0, 1, 2, 3, 4].flatMap((lc) =>
  [0, 1, 2, 3, 4].filter((lp) => lc + lp <= 4).flatMap((lp) => [0, 2, 4].map((pb) => [lc, lp, pb] as const)),
);

describe("xz", () => {
  it.each([
    ["the kernel's own options", ["--check=crc32", "--x86", "--lzma2=preset=1,dict=32MiB"]],
    ["a module's", ["--check=crc32", "--lzma2=preset=1,dict=1MiB"]],
    ["a package's", ["-1", "--check=crc64"]],
    ["no check", ["-0", "--check=none"]],
    ["blocks", ["-0", "--block-size=200000"]],
    ["unusual literal bits", ["--lzma2=preset=0,lc=0,lp=4,pb=0"]],
    ["a window that moves", ["--lzma2=preset=0,dict=4KiB"]],
  ])("is unpacked, with %s", (_, options) => {
    expect(Buffer.compare(unxz(xz(code, ...options)), code)).toBe(0);
  });

  it.each(LITERAL_BITS)("is unpacked, with lc=%d lp=%d pb=%d", (lc, lp, pb) => {
    const part = code.subarray(0, 20_000);
    const packed = xz(part, `--lzma2=preset=3,lc=${lc},lp=${lp},pb=${pb}`);
    expect(Buffer.compare(unxz(packed), part)).toBe(0);
  });

  it("is unpacked when it is stored, tiny or empty", () => {
    const noise = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 2654435761) >>> 13);
    for (const data of [noise, text, text.subarray(0, 1), text.subarray(0, 0)]) {
      expect(unxz(xz(data))).toEqual(data);
    }
  });

  it.each([
    ["unsupported", ["--check=sha256"]],
    ["unsupported", ["--delta", "--lzma2"]],
    ["unsupported", ["--arm", "--lzma2"]],
    ["limit", ["--lzma2=preset=0,dict=128MiB"]],
  ])("is refused with %s for %j", (errorCode, options) => {
    expect(() => unxz(xz(text, ...options))).toThrow(expect.objectContaining({ code: errorCode }));
  });

  it("stops at the limit, whatever it would grow to", () => {
    const bomb = xz(new Uint8Array(12 << 20), "-9");
    expect(bomb.length).toBeLessThan(4000);
    expect(() => unxz(bomb, 1 << 20)).toThrow(expect.objectContaining({ code: "limit" }));
  });

  it("is refused wherever it is cut or a bit is changed", () => {
    const whole = xz(text, "--check=crc32");
    for (let at = 0; at < whole.length; at++) {
      expect(() => unxz(whole.subarray(0, at))).toThrow(RebootlessError);
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7));
      expect(() => unxz(changed)).toThrow(RebootlessError);
    }
    expect(() => unxz(Uint8Array.from([...whole, 0]))).toThrow(RebootlessError);
  });

  it("is a value or an error of ours whatever it holds", () => {
    // Without a check, so that damage gets to the decoder.
    const seeds = [xz(text, "--check=none"), xz(code.subarray(0, 3000), "--check=none", "--x86", "--lzma2")];
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), changes, (seed, list) => {
        const bytes = seed.slice();
        for (const [at, value] of list) bytes[24 + (at % (bytes.length - 24))] = value;
        try {
          expect(unxz(bytes, 1 << 16).length).toBeLessThanOrEqual(1 << 16);
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("the x86 filter of xz", () => {
  /** Bytes that look like branches, and operands of which many are in reach. */
  const byte = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0xe8, 0xe9) },
    { weight: 3, arbitrary: fc.constantFrom(0, 0xff) },
    { weight: 1, arbitrary: fc.nat(255) },
  );

  it("is undone as the program undoes it, where every byte may begin a branch", () => {
    for (const bytes of fc.sample(fc.array(byte, { maxLength: 400, size: "max" }), 60)) {
      const data = Uint8Array.from(bytes);
      expect(unxz(xz(data, "--x86", "--lzma2=preset=0"))).toEqual(data);
    }
  });

  it("is undone in data of every length about that of a branch", () => {
    for (let length = 0; length <= 12; length++) {
      const data = Uint8Array.from({ length }, (_, i) => (i % 5 === 0 ? 0xe8 : 0));
      expect(unxz(xz(data, "--x86", "--lzma2=preset=0"))).toEqual(data);
    }
  });
});

describe("the checksums of xz", () => {
  const digits = new TextEncoder().encode("123456789");

  it.each([
    ["CRC-32", crc32, "2639f4cb"],
    ["CRC-64", crc64, "fa3919dfbbc95d99"],
  ] as const)(
    "%s is that of the catalogue of CRC algorithms, whatever pieces it comes in",
    (_, make, expected) => {
      for (let cut = 0; cut <= digits.length; cut++) {
        const sum = make();
        sum.update(digits.subarray(0, cut));
        sum.update(digits.subarray(cut));
        expect(toHex(sum.value())).toBe(expected);
      }
    },
  );
});

describe("LZMA", () => {
  const packed = xz(code, "--format=lzma", "-0");

  it("is unpacked, with an end marker or with a size", () => {
    expect(Buffer.compare(decompressLzma(packed, code.length), code)).toBe(0);
    const sized = packed.slice();
    new DataView(sized.buffer).setBigUint64(5, BigInt(code.length), true);
    expect(Buffer.compare(decompressLzma(sized, code.length), code)).toBe(0);
  });

  it("is refused wherever it ends, as the program refuses it", () => {
    const short = xz(text, "--format=lzma");
    const cut = Array.from({ length: short.length }, (_, length) => short.subarray(0, length));
    for (const bytes of cut) expect(() => decompressLzma(bytes, text.length)).toThrow(RebootlessError);
    expect(refusedByProgram(cut.slice(1), "lzma").size).toBe(cut.length - 1);
  });

  it("has properties that there are", () => {
    for (let properties = 0; properties < 256; properties++) {
      const changed = packed.slice(0, 64).with(0, properties);
      const expected = properties < 225 ? /^LZMA: (?!properties)/ : /^LZMA: properties/;
      expect(() => decompressLzma(changed, code.length)).toThrow(expected);
    }
  });

  it("is exactly as long as was announced", () => {
    for (const size of [code.length - 1, code.length + 1]) {
      expect(() => decompressLzma(packed, size)).toThrow(expect.objectContaining({ code: "parse" }));
    }
  });
});
