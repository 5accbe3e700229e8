import { openSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CoreFile, coreFile, MAX_READ_BYTES } from "../../../client/host/core_file.ts";
import { kernelText } from "../../../client/host/kernel_text.ts";
import { textOffset } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { buildElf, le, note, SEGMENTS_AT } from "../../support/elf_builder.ts";

const TEXT = 0xffff_ffff_9a00_0000n;
const MODULES = 0xffff_ffff_c000_0000n;
const bytes = (length: number, first: number) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
const notes = note("VMCOREINFO", 0, Uint8Array.of(1, 2, 3));

const CORE = buildElf({
  type: 4,
  segments: [
    { address: MODULES, data: bytes(32, 200) },
    { type: 4, address: 0n, data: notes },
    { address: TEXT + 64n, data: bytes(16, 64) },
    { address: TEXT, data: bytes(64, 0) },
  ],
});

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-core-"));
});
afterAll(() => rm(work, { recursive: true }));

function withCore<T>(content: Uint8Array, use: (core: CoreFile, path: string) => T): T {
  const path = join(work, "core");
  writeFileSync(path, content);
  const core = coreFile(openSync(path, "r"), path);
  try {
    return use(core, path);
  } finally {
    core.close();
  }
}

function refusal(
  content: Uint8Array,
  use: (core: CoreFile, path: string) => unknown = () => 0,
): RebootlessError {
  try {
    withCore(content, use);
  } catch (error) {
    if (error instanceof RebootlessError) return error;
    throw error;
  }
  throw new Error("it was read");
}

describe("a core file", () => {
  it("gives memory by address, in any segment and across those that adjoin", () => {
    withCore(CORE, (core) => {
      expect(core.read(MODULES + 8n, 4)).toEqual(bytes(4, 208));
      expect(core.read(TEXT + 60n, 20)).toEqual(bytes(20, 60));
      expect(core.read(TEXT, 0)).toEqual(new Uint8Array());
      expect(core.notes()).toEqual(notes);
      expect(core.segments.map(({ start }) => start)).toEqual([TEXT, TEXT + 64n, MODULES]);
    });
  });

  it.each([
    ["before it", TEXT - 1n, 1],
    ["past it", TEXT + 79n, 2],
    ["far away", 0xffff_8880_0000_0000n, 8],
  ])("has no memory %s", (_, at, length) => {
    expect(refusal(CORE, (core) => core.read(at, length))).toMatchObject({
      code: "unsupported",
      hint: expect.any(String),
    });
  });

  it("is read in bounded pieces", () => {
    expect(refusal(CORE, (core) => core.read(TEXT, MAX_READ_BYTES + 1)).code).toBe("limit");
    expect(refusal(CORE, (core) => core.read(TEXT, -1)).code).toBe("limit");
  });

  it("that was cut short says so, in its memory and in its headers", () => {
    const short = refusal(CORE, (core, path) => {
      truncateSync(path, SEGMENTS_AT + 32 + notes.length + 10);
      return core.read(TEXT + 60n, 10);
    });
    expect(short).toMatchObject({
      code: "io",
      message: expect.stringMatching(/cut short.*0xffffffff9a0000/),
    });
    expect(refusal(CORE.subarray(0, 100))).toMatchObject({
      code: "io",
      message: expect.stringContaining("cut short"),
    });
  });

  it("is ELF", () => {
    for (const content of [new Uint8Array(), bytes(100, 0), new TextEncoder().encode("KDUMP   ")]) {
      expect(refusal(content)).toMatchObject({
        code: "unsupported",
        message: expect.stringContaining("ELF"),
      });
    }
  });

  it("may have offsets and sizes past 2^53, as with five levels of page tables", () => {
    const large = CORE.slice();
    const first = 64;
    large.set(le(1n << 60n, 8), first + 8);
    large.set(le(1n << 55n, 8), first + 32);
    withCore(large, (core) => {
      expect(core.read(TEXT, 4)).toEqual(bytes(4, 0));
      expect(core.segments.at(-1)?.end).toBe(MODULES + (1n << 55n));
      expect(() => core.read(MODULES, 1)).toThrow("cut short");
    });
  });

  it("is a value or a RebootlessError for any change of its headers", () => {
    const changes = fc.array(fc.tuple(fc.nat(64 + 4 * 56), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(changes, (all) => {
        const content = CORE.slice();
        for (const [at, byte] of all) content[at] = byte;
        try {
          withCore(content, (core) => {
            core.notes();
            core.read(TEXT, 80);
          });
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the kernel's text", () => {
  it("begins where the first memory of its mapping does", () => {
    withCore(CORE, (core) => {
      const text = kernelText(core);
      expect(text.text).toBe(TEXT);
      expect(text.read(textOffset(62), 4)).toEqual(bytes(4, 62));
      expect(() => text.read(textOffset(78), 4)).toThrow(expect.objectContaining({ code: "unsupported" }));
      expect(text.read(textOffset(Number(MODULES - TEXT) + 8), 4)).toEqual(bytes(4, 208)); // of a module
      const end = textOffset(Number(0xffff_ffff_ff00_0000n - TEXT));
      expect(() => text.read(end, 1)).toThrow("outside the kernel");
    });
  });

  it("is not in a file without virtual addresses, which is told how to make", () => {
    const physical = buildElf({ type: 4, segments: [{ address: 0n, data: bytes(16, 0) }] });
    expect(refusal(physical, kernelText)).toMatchObject({
      code: "unsupported",
      hint: expect.stringContaining("dump-guest-memory -p"),
    });
  });
});
