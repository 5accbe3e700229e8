import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootPayload } from "../../../publisher/image/boot_image.ts";
import { decompressPayload, MAX_KERNEL_SIZE } from "../../../publisher/image/decompress.ts";
import { concatBytes, fromHex, utf8 } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { le } from "../../support/elf_builder.ts";
import { bootImage, gzipPayload, lz4Payload } from "../../support/kernel_builder.ts";

const text = utf8("rebootless ".repeat(9));
/** The text through `zstd -19` and `lz4 -l -9`; the tests append the 4 bytes of size of a kernel's build. */
const ZSTD = "28b52ffd0468950000587265626f6f746c657373200100e5a97801d86c8890";
const LZ4 = "02214c1815000000bf7265626f6f746c657373200b0040506c65737320";
const withSize = (hex: string, size = text.length): Uint8Array => concatBytes([fromHex(hex), le(size, 4)]);

const xz = (...options: readonly string[]): Uint8Array =>
  new Uint8Array(execFileSync("xz", ["-c", ...options], { input: text }));

describe("a boot image", () => {
  it("says where its payload is", () => {
    expect(bootPayload(bootImage(text))).toEqual(text);
  });

  it("is refused when it is not one, or is cut", () => {
    const image = bootImage(text);
    for (const bytes of [text, image.subarray(0, 0x250), image.subarray(0, 0xa30)]) {
      expect(() => bootPayload(bytes)).toThrow(expect.objectContaining({ code: "parse" }));
    }
  });
});

describe("the payload", () => {
  it.each([
    ["zstd", withSize(ZSTD)],
    ["LZ4, with a match that reaches into itself", withSize(LZ4)],
    ["LZ4 literals", lz4Payload(text)],
    ["gzip", gzipPayload(text)],
    [
      "xz, as the kernel's build calls it",
      concatBytes([xz("--check=crc32", "--x86", "--lzma2=dict=32MiB"), le(text.length, 4)]),
    ],
    ["xz of kernels before 5.19, without a size behind it", xz("--check=crc32")],
    ["LZMA", concatBytes([xz("--format=lzma"), le(text.length, 4)])],
  ])("is unpacked from %s", (_, payload) => {
    expect(decompressPayload(payload)).toEqual(text);
  });

  it.each([
    ["bzip2", "425a6839314159"],
    ["LZO", "894c5a4f000d0a"],
  ])("in %s is refused by name", (name, hex) => {
    const expected = { code: "unsupported", details: { compression: name } };
    expect(() => decompressPayload(withSize(hex))).toThrow(expect.objectContaining(expected));
  });

  it("never grows past what it announces, nor past the limit", () => {
    for (const payload of [withSize(LZ4, text.length - 1), withSize(LZ4, text.length + 1)]) {
      expect(() => decompressPayload(payload)).toThrow(expect.objectContaining({ code: "parse" }));
    }
    for (const packed of [xz("--check=crc32"), xz("--format=lzma")]) {
      for (const size of [text.length - 1, text.length + 1]) {
        expect(() => decompressPayload(concatBytes([packed, le(size, 4)]))).toThrow(RebootlessError);
      }
    }
    expect(() => decompressPayload(withSize(LZ4, MAX_KERNEL_SIZE + 1))).toThrow(
      expect.objectContaining({ code: "limit" }),
    );
    const gzip = gzipPayload(new Uint8Array(5000));
    gzip.set(le(10, 4), gzip.length - 4);
    expect(() => decompressPayload(gzip)).toThrow(expect.objectContaining({ code: "parse" }));
  });

  it("of zstd is one whole frame", () => {
    for (const hex of [`${ZSTD}${ZSTD}`, `${ZSTD}00`, ZSTD.slice(0, -10)]) {
      expect(() => decompressPayload(withSize(hex))).toThrow(expect.objectContaining({ code: "parse" }));
    }
    // One RLE block of 127 KiB in a frame that announces 99 bytes: refused before it is filled in.
    const flood = "28b52ffd0058" + "03f80f" + "00";
    expect(() => decompressPayload(withSize(flood))).toThrow(expect.objectContaining({ code: "parse" }));
  });

  it("is a value or an error of ours whatever it holds", () => {
    const packed = [xz("--check=none"), xz("--format=lzma")].map((bytes) => concatBytes([bytes, le(0, 4)]));
    const seeds = [withSize(ZSTD), withSize(LZ4), gzipPayload(text), ...packed];
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), changes, fc.nat(), (seed, list, cut) => {
        const bytes = seed.slice(0, seed.length - (cut % 3));
        // The announced size stays small: this test is about damage, the limit has its own.
        for (const [at, value] of list) bytes[at % Math.max(bytes.length - 8, 1)] = value;
        try {
          decompressPayload(concatBytes([bytes.subarray(0, -4), le(200, 4)]));
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
