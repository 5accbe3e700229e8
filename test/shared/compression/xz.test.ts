import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompressLzma } from "../../../shared/compression/lzma.ts";
import { gather, xzChunks } from "../../../shared/compression/xz.ts";
import { RebootlessError } from "../../../shared/errors.ts";

const MAX = 1 << 24;
const xz = (data: Uint8Array, ...options: readonly string[]): Uint8Array =>
  new Uint8Array(execFileSync("xz", ["-c", ...options], { input: data, maxBuffer: MAX }));
const unxz = (bytes: Uint8Array, max = MAX): Uint8Array => gather(xzChunks(bytes, max), max);

/** Machine code, so that the x86 filter has something to do, and longer than a chunk. */
const code = new Uint8Array(readFileSync(process.execPath).subarray(0x100_0000, 0x130_0000));
const text = new TextEncoder().encode("rebootless updates, every function of every kernel. ".repeat(40));

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

describe("LZMA", () => {
  const packed = xz(code, "--format=lzma", "-0");

  it("is unpacked, with an end marker or with a size", () => {
    expect(Buffer.compare(decompressLzma(packed, code.length), code)).toBe(0);
    const sized = packed.slice();
    new DataView(sized.buffer).setBigUint64(5, BigInt(code.length), true);
    expect(Buffer.compare(decompressLzma(sized, code.length), code)).toBe(0);
  });

  it("is exactly as long as was announced", () => {
    for (const size of [code.length - 1, code.length + 1]) {
      expect(() => decompressLzma(packed, size)).toThrow(expect.objectContaining({ code: "parse" }));
    }
  });
});
