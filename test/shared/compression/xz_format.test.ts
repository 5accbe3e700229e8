import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { gather, MAX_DICTIONARY, xzChunks } from "../../../shared/compression/xz.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import {
  type HandMadeBlock,
  type HandMadeStream,
  handMade,
  LZMA2,
  stored,
  vli,
  X86,
} from "./hand_made_xz.ts";
import { filtersByProgram, refusedByProgram, xz } from "./xz_program.ts";

const MAX = 1 << 22;
const DATA = utf8("every function of every kernel");
const BLOCK: HandMadeBlock = { data: DATA };
const NONE = new Uint8Array();

/** What comes out, or the code of the error. */
function outcome(file: Uint8Array, max = MAX): Uint8Array | string {
  try {
    return Uint8Array.from(gather(xzChunks(file, max), max));
  } catch (error) {
    if (error instanceof RebootlessError) return error.code;
    throw error;
  }
}

const one = (block: Partial<HandMadeBlock> = {}, stream: Partial<HandMadeStream> = {}): Uint8Array =>
  handMade({ blocks: [{ ...BLOCK, ...block }], ...stream });

/** A number in one byte more than it needs. */
const longer = (value: number): Uint8Array => Uint8Array.of(value | 0x80, 0);

type Case = readonly [name: string, file: Uint8Array];

const VALID: readonly Case[] = [
  ["one block", one()],
  ["no block", handMade({ blocks: [] })],
  ["an empty block", one({ data: NONE })],
  ["three blocks", handMade({ blocks: [BLOCK, { data: NONE }, BLOCK] })],
  ["no check", one({}, { flags: [0, 0] })],
  ["the packed size in the header", one({ packedSize: stored(DATA).length })],
  ["the size in the header", one({ size: DATA.length })],
  ["both sizes in the header", one({ packedSize: stored(DATA).length, size: DATA.length })],
  ["a header that is longer than it has to be", one({ padding: new Uint8Array(40) })],
  ["the longest header", one({ padding: new Uint8Array(1012) })],
  ["the x86 filter", one({ filters: [X86, LZMA2] })],
  ["chunks of the largest size", one({ data: new Uint8Array(200_000).fill(7) })],
  ["130 blocks, whose number has two bytes", handMade({ blocks: Array.from({ length: 130 }, () => BLOCK) })],
];

/** Each is wrong in one field; every checksum is right unless the name says otherwise. */
const INVALID: readonly Case[] = [
  ...Array.from({ length: 6 }, (_, i): Case => {
    const magic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0);
    magic[i] = (magic[i] ?? 0) ^ 0x20;
    return [`byte ${i} of the magic`, one({}, { magic })];
  }),
  ["the first byte of the stream's flags", one({}, { flags: [1, 1] })],
  ["the upper half of the check's kind", one({}, { flags: [0, 0x11] })],
  ["the sum of the stream's header", one({}, { wrongSum: "stream header" })],
  ...[0x04, 0x08, 0x10, 0x20].map((flags): Case => [`the reserved flag ${flags} of a block`, one({ flags })]),
  ["the sum of a block's header", one({}, { wrongSum: "block header" })],
  ["a header that ends within its fields", one({ headerSize: 1 })],
  ["a header that reaches into the data", one({ headerSize: 4 })],
  ["padding of a header that is not zero", one({ padding: Uint8Array.of(0, 0, 0, 1) })],
  ["a packed size that is too small", one({ packedSize: stored(DATA).length - 1 })],
  ["a packed size that is too large", one({ packedSize: stored(DATA).length + 1 })],
  ["a packed size of 0", one({ packedSize: 0 })],
  ["a packed size past 2^35", one({ packedSize: vli(2 ** 36) })],
  ["a packed size in more bytes than it needs", one({ packedSize: longer(stored(DATA).length) })],
  ["a size that is too small", one({ size: DATA.length - 1 })],
  ["a size that is too large", one({ size: DATA.length + 1 })],
  ["a size in more bytes than it needs", one({ size: longer(DATA.length) })],
  ["a number without an end", one({ size: new Uint8Array(12).fill(0xff) })],
  ["no filter that unpacks", one({ filters: [X86] })],
  ["a filter that unpacks twice", one({ filters: [LZMA2, LZMA2] })],
  ["LZMA2 before another filter", one({ filters: [LZMA2, X86] })],
  ["a filter that nobody knows", one({ filters: [{ id: 0x3f, properties: NONE }] })],
  ["a filter's number in more bytes than it needs", one({ filters: [{ ...LZMA2, id: longer(0x21) }] })],
  ["LZMA2 without properties", one({ filters: [{ ...LZMA2, properties: NONE }] })],
  ["LZMA2 with two bytes of properties", one({ filters: [{ ...LZMA2, properties: Uint8Array.of(16, 0) }] })],
  ["a dictionary that there is not", one({ filters: [{ ...LZMA2, properties: Uint8Array.of(41) }] })],
  ["reserved bits of a dictionary", one({ filters: [{ ...LZMA2, properties: Uint8Array.of(0x50) }] })],
  ["padding of a block that is not zero", one({ dataPadding: 1 })],
  ["a check that is not the data's", one({ check: Uint8Array.of(1, 2, 3, 4) })],
  ["an index of too many blocks", one({}, { count: 2 })],
  ["an index of too few blocks", handMade({ blocks: [BLOCK, BLOCK], count: 1 })],
  ["a number of blocks in more bytes than it needs", one({}, { count: longer(1) })],
  ["an index with another packed size", one({ unpadded: 60 })],
  ["an index with another size", one({ indexSize: DATA.length + 1 })],
  ["a packed size of the index in more bytes than it needs", one({ unpadded: longer(50) })],
  ["a size of the index in more bytes than it needs", one({ indexSize: longer(DATA.length) })],
  [
    "padding of the index that is not zero",
    one({ indexSize: vli(DATA.length) }, { indexPadding: Uint8Array.of(0, 0, 0, 9) }),
  ],
  ["padding of the index that is not needed", one({}, { indexPadding: new Uint8Array(4) })],
  ["the sum of the index", one({}, { wrongSum: "index" })],
  ["the size of the index in the footer", one({}, { backwardSize: 7 })],
  ["other flags in the footer", one({}, { footerFlags: [0, 4] })],
  ["the magic of the footer", one({}, { footerMagic: utf8("ZZ") })],
  ["the sum of the footer", one({}, { wrongSum: "footer" })],
  ["a byte behind the stream", concatBytes([one(), Uint8Array.of(0)])],
  ["four bytes behind the stream", concatBytes([one(), utf8("more")])],
  ["data that begins without a dictionary", one({ packed: stored(DATA).with(0, 2) })],
  ...[0x03, 0x40, 0x7f].map(
    (kind): Case => [`a chunk of kind ${kind}`, one({ packed: stored(DATA).with(0, kind) })],
  ),
  [
    "a chunk of LZMA without properties",
    one({ packed: concatBytes([stored(DATA).subarray(0, -1), lzmaChunk(0x80)]) }),
  ],
  [
    "a chunk of LZMA whose state alone is reset",
    one({ packed: concatBytes([stored(DATA).subarray(0, -1), lzmaChunk(0xa0)]) }),
  ],
  ["a chunk of LZMA with too many literal bits", one({ packed: lzmaChunk(0xe0, 9 * 4 + 4) })],
  ["a chunk of LZMA with properties that there are not", one({ packed: lzmaChunk(0xe0, 225) })],
  ["data that does not end", one({ packed: stored(DATA).subarray(0, -1) })],
];

/** A chunk that says it is LZMA: its data is never looked at. */
function lzmaChunk(control: number, ...properties: readonly number[]): Uint8Array {
  return Uint8Array.from([control, 0, 29, 0, 9, ...properties, ...new Uint8Array(10), 0]);
}

/** Sound files that the program reads and that are refused here, on purpose. */
const NOT_READ: readonly (readonly [name: string, code: string, file: Uint8Array])[] = [
  ["the check SHA-256", "unsupported", xz(DATA, "--check=sha256")],
  ["padding behind the stream", "parse", concatBytes([one(), new Uint8Array(4)])],
  ["two streams", "parse", concatBytes([one(), one()])],
  ["two streams with padding between them", "parse", concatBytes([one(), new Uint8Array(8), one()])],
  ["the filter delta", "unsupported", xz(DATA, "--delta=dist=4", "--lzma2")],
  ...["--powerpc", "--ia64", "--arm", "--armthumb", "--arm64", "--sparc"].map(
    (filter) => [`the filter ${filter}`, "unsupported", xz(DATA, filter, "--lzma2")] as const,
  ),
  ["the x86 filter from another start", "unsupported", xz(DATA, "--x86=start=4096", "--lzma2")],
  ["three filters", "unsupported", xz(DATA, "--x86", "--delta", "--lzma2")],
  ["four filters", "unsupported", xz(DATA, "--x86", "--delta", "--delta", "--lzma2")],
];

describe("an .xz file written by hand", () => {
  it("is read as the program reads it, where it is sound", () => {
    const refused = refusedByProgram(VALID.map(([, file]) => file));
    expect([...refused].map(([i, reason]) => `${VALID[i]?.[0]}: ${reason}`)).toEqual([]);
    for (const [name, file] of VALID) expect(outcome(file), name).toBeInstanceOf(Uint8Array);
    expect(outcome(one())).toEqual(DATA);
    expect(outcome(VALID[3]?.[1] ?? NONE)).toEqual(concatBytes([DATA, DATA]));
  });

  it("is refused as the program refuses it, where one field is wrong", () => {
    const refused = refusedByProgram(INVALID.map(([, file]) => file));
    expect(INVALID.flatMap(([name], i) => (refused.has(i) ? [] : name))).toEqual([]);
    for (const [name, file] of INVALID) expect(outcome(file), name).toMatch(/^(?:parse|unsupported|limit)$/);
  });

  it.each(NOT_READ)("is refused though the program reads it: %s", (_, code, file) => {
    expect(refusedByProgram([file]).size).toBe(0);
    expect(outcome(file)).toBe(code);
  });

  it("has a check of 16 kinds, of which three are read", () => {
    for (let kind = 0; kind < 16; kind++) {
      const file = kind === 4 ? xz(DATA, "--check=crc64") : one({}, { flags: [0, kind] });
      if ([0, 1, 4].includes(kind)) expect(outcome(file)).toEqual(DATA);
      else expect(outcome(file)).toBe("unsupported");
    }
  });

  it("is refused wherever it ends, and whichever byte of its frame is changed", () => {
    const file = handMade({
      blocks: [
        { data: DATA, packedSize: stored(DATA).length, size: DATA.length, filters: [X86, LZMA2] },
        { data: DATA.subarray(0, 7) },
      ],
    });
    expect(outcome(file)).toBeInstanceOf(Uint8Array);
    const cut = Array.from({ length: file.length }, (_, length) => file.subarray(0, length));
    const changed = Array.from({ length: file.length }, (_, at) =>
      file.with(at, (file[at] ?? 0) ^ (1 << (at % 8))),
    );
    for (const bytes of [...cut, ...changed]) expect(outcome(bytes)).toMatch(/^(?:parse|unsupported|limit)$/);
    // The program takes an empty file for an empty one.
    expect(refusedByProgram(cut.slice(1)).size).toBe(cut.length - 1);
    expect(refusedByProgram(changed).size).toBe(changed.length);
  });
});

describe("the dictionary of an .xz file", () => {
  const withCode = (code: number) => one({ filters: [{ ...LZMA2, properties: Uint8Array.of(code) }] });

  it("has the size that the program reads from it, and none above the limit is kept", () => {
    for (let code = 0; code <= 40; code++) {
      const [, number, unit = "B"] = /dict=(\d+)(KiB|MiB|GiB)?/.exec(filtersByProgram(withCode(code))) ?? [];
      const size = Number(number) * { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit as "B"];
      const expected = size <= MAX_DICTIONARY ? DATA : "limit";
      expect([code, outcome(withCode(code))]).toEqual([code, expected]);
    }
  });

  it("is how far back a match may reach, and no further", () => {
    const noise = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 2654435761) >>> 11);
    const data = concatBytes([noise, noise]);
    const file = xz(data, "--check=crc32", "--lzma2=preset=6,dict=1MiB");
    expect(file.length).toBeLessThan(150_000);
    expect(outcome(file)).toEqual(data);
    // The header is 12 bytes: size, flags, number and properties of the filter, padding, and its sum.
    for (const [code, expected] of [
      [18, data],
      [10, data], // 128 KiB
      [8, "parse"], // 64 KiB
      [0, "parse"],
    ] as const) {
      const small = handMadeHeader(file, code);
      expect(refusedByProgram([small]).size, `code ${code}`).toBe(expected === "parse" ? 1 : 0);
      expect(outcome(small)).toEqual(expected);
    }
  });

  /** The file with another dictionary in its first block's header. */
  function handMadeHeader(file: Uint8Array, code: number): Uint8Array {
    const header = one({ filters: [{ ...LZMA2, properties: Uint8Array.of(code) }] }).subarray(12, 24);
    return concatBytes([file.subarray(0, 12), header, file.subarray(24)]);
  }
});

describe("an .xz file that grows", () => {
  it("is unpacked to the limit and not a byte further", () => {
    for (const [name, file, size] of [
      ["one block", one({ data: new Uint8Array(100_000) }), 100_000],
      ["many blocks", handMade({ blocks: Array.from({ length: 1000 }, () => BLOCK) }), 1000 * DATA.length],
      ["the filter", one({ data: new Uint8Array(100_000), filters: [X86, LZMA2] }), 100_000],
      ["zeroes", xz(new Uint8Array(3 << 20)), 3 << 20],
    ] as const) {
      expect(outcome(file, size), name).toHaveLength(size);
      expect(outcome(file, size - 1), name).toBe("limit");
      expect(outcome(file, 0), name).toBe("limit");
    }
  });

  it("comes in pieces of 2 MiB at the most, but for filtered data", () => {
    const file = xz(new Uint8Array(9 << 20));
    const sizes = Array.from(xzChunks(file, 9 << 20), ({ length }) => length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 << 20);
    expect(sizes.reduce((a, b) => a + b)).toBe(9 << 20);
  });

  it("takes no memory for what its header announces", () => {
    const before = process.memoryUsage().arrayBuffers;
    const [first] = xzChunks(one({ filters: [{ ...LZMA2, properties: Uint8Array.of(28) }] }), 100);
    expect(first).toEqual(DATA);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
  });

  it("has blocks that use one window, whichever dictionary is the largest", () => {
    const dictionaries = [0, 10, 4, 16, 0];
    const blocks = dictionaries.map((code, i) => ({
      data: new Uint8Array(70_000).fill(i),
      filters: [{ ...LZMA2, properties: Uint8Array.of(code) }],
    }));
    expect(outcome(handMade({ blocks }))).toEqual(concatBytes(blocks.map(({ data }) => data)));
  });
});
