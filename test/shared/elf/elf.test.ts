import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { ELF_TYPE, parseElfHeader } from "../../../shared/elf/header.ts";
import { gnuBuildId, MAX_NOTES, parseNotes } from "../../../shared/elf/notes.ts";
import { MAX_PROGRAM_HEADERS, parseProgramHeaders } from "../../../shared/elf/program_headers.ts";
import { parseRela } from "../../../shared/elf/rela.ts";
import { parseSections, sectionBytes } from "../../../shared/elf/sections.ts";
import { parseSymbols } from "../../../shared/elf/symbols.ts";
import { findVmcoreInfo } from "../../../shared/elf/vmcoreinfo.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { buildElf, le, note, relaSection, symbolSections } from "../../support/elf_builder.ts";

const sample = buildElf({
  type: 1,
  sections: [
    { name: ".text", data: Uint8Array.of(0x90, 0xc3), flags: 6 },
    ...symbolSections(
      [
        { name: "start", type: 2, section: 1, value: 1, size: 1 },
        { name: "away", section: 0 },
      ],
      3,
    ),
    relaSection(".rela.text", 1, [{ offset: 0, type: 2, symbol: 2, addend: -4 }]),
  ],
});

/** Arbitrary input gives a value or an error of ours, whatever it is. */
function survives(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    read(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(RebootlessError);
  }
}

const readAll = (bytes: Uint8Array): void => {
  const sections = parseSections(bytes);
  parseProgramHeaders(bytes);
  parseSymbols(bytes, sections);
  for (const section of sections) {
    sectionBytes(bytes, section);
    parseRela(bytes, sections, section.index);
  }
};

describe("ELF files", () => {
  it("are read with sections, symbols and relocations", () => {
    const sections = parseSections(sample);
    expect(parseElfHeader(sample).type).toBe(ELF_TYPE.rel);
    expect(sections.map((s) => s.name)).toEqual([
      "",
      ".text",
      ".symtab",
      ".strtab",
      ".rela.text",
      ".shstrtab",
    ]);
    expect(sections[1] && sectionBytes(sample, sections[1])).toEqual(Uint8Array.of(0x90, 0xc3));
    expect(parseSymbols(sample, sections)).toEqual([
      { name: "", type: 0, binding: 0, section: 0, value: 0n, size: 0n },
      { name: "start", type: 2, binding: 0, section: 1, value: 1n, size: 1n },
      { name: "away", type: 0, binding: 0, section: 0, value: 0n, size: 0n },
    ]);
    expect(parseRela(sample, sections, 1)).toEqual([{ offset: 0, type: 2, symbol: 2, addend: -4n }]);
    expect(parseRela(sample, sections, 2)).toEqual([]);
  });

  it("of other machines are named as unsupported", () => {
    const arm = sample.slice();
    arm.set(le(183, 2), 18);
    expect(() => parseElfHeader(arm)).toThrow(expect.objectContaining({ code: "unsupported" }));
    expect(() => parseElfHeader(utf8("#!/bin/sh"))).toThrow(expect.objectContaining({ code: "parse" }));
  });

  it("never crash the reader", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => survives(readAll, bytes)));
    const places = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(places, fc.nat(sample.length), (changes, length) => {
        const bytes = sample.slice();
        for (const [at, value] of changes) bytes[at] = value;
        survives(readAll, bytes.subarray(0, Math.max(length, 64)));
      }),
    );
    // Header fields alone: nearly all mutations above hit padding.
    fc.assert(
      fc.property(fc.nat(63), fc.nat(255), (at, value) => {
        const bytes = sample.slice();
        bytes[at] = value;
        survives(readAll, bytes);
      }),
    );
  });
});

describe("program headers", () => {
  const core = buildElf({
    type: 4,
    segments: [{ address: 0xffff_ffff_9000_0000n, data: new Uint8Array(32) }],
  });

  it("are read from the first bytes of a core file", () => {
    expect(parseProgramHeaders(core.subarray(0, 64 + 56))).toEqual([
      {
        type: 1,
        flags: 5,
        fileOffset: 0x1000n,
        address: 0xffff_ffff_9000_0000n,
        fileSize: 32n,
        memorySize: 32n,
      },
    ]);
  });

  it("are limited in number and checked in size", () => {
    const many = core.slice();
    many.set(le(MAX_PROGRAM_HEADERS + 1, 2), 56);
    expect(() => parseProgramHeaders(many)).toThrow(expect.objectContaining({ code: "limit" }));
    const odd = core.slice();
    odd.set(le(32, 2), 54);
    expect(() => parseProgramHeaders(odd)).toThrow(expect.objectContaining({ code: "parse" }));
    expect(() => parseProgramHeaders(core.subarray(0, 100))).toThrow(
      expect.objectContaining({ code: "parse" }),
    );
  });
});

describe("notes", () => {
  const id = Uint8Array.from({ length: 20 }, (_, i) => i);
  const hex = "000102030405060708090a0b0c0d0e0f10111213";

  it("give the build ID wherever it stands", () => {
    const others = [note("Linux", 0x100, utf8("odd")), note("Xen", 3, id.slice(1))];
    expect(gnuBuildId(concatBytes([...others, note("GNU", 3, id)]))).toBe(hex);
    expect(gnuBuildId(concatBytes([note("GNU", 3, id), ...others]))).toBe(hex);
    expect(gnuBuildId(concatBytes(others))).toBeUndefined();
    expect(gnuBuildId(new Uint8Array())).toBeUndefined();
    expect(parseNotes(others[0] ?? id)).toEqual([{ name: "Linux", type: 0x100, description: utf8("odd") }]);
  });

  it("tell of a crash dump also where a note is longer than a call takes arguments", () => {
    const told = `OSRELEASE=6.1.0\nBUILD-ID=${hex}\nSYMBOL(x)=${"f".repeat(300_000)}\n`;
    expect(findVmcoreInfo(note("VMCOREINFO", 0, utf8(told)))).toEqual({ release: "6.1.0", buildId: hex });
  });

  it("are refused when malformed or too many", () => {
    const one = note("GNU", 3, id);
    expect(() => parseNotes(one.subarray(0, 20))).toThrow(expect.objectContaining({ code: "parse" }));
    expect(() => parseNotes(concatBytes(Array.from({ length: MAX_NOTES + 1 }, () => one)))).toThrow(
      expect.objectContaining({ code: "limit" }),
    );
    expect(() => gnuBuildId(note("GNU", 3, id.subarray(0, 4)))).toThrow(
      expect.objectContaining({ code: "parse" }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(gnuBuildId, bytes)));
  });
});
