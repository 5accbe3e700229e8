import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { sitesWithin } from "../../../publisher/image/sites/patch_site.ts";
import { textOffset } from "../../../shared/brand.ts";
import { concatBytes } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { AlternativeForm, FeatureCondition } from "../../../shared/runpre/sites/site_kinds.ts";
import { le } from "../../support/elf_builder.ts";
import {
  ALTERNATIVES,
  BANNER,
  BUILD_ID,
  bootImage,
  buildKernelElf,
  FEATURES,
  gzipPayload,
  type Layout,
  LINKED_TEXT,
  lz4Payload,
  PLACE,
  PLAIN_SITES,
  relocationTable,
  SYMBOLS,
} from "../../support/kernel_builder.ts";

const LAYOUTS: readonly Layout[] = ["6.1", "6.1 without sequences", "6.12", "7.0"];

describe("a kernel image", () => {
  const image = openKernelImage(bootImage(lz4Payload(buildKernelElf())));

  it("says which kernel it is", () => {
    expect(image).toMatchObject({
      buildId: BUILD_ID,
      release: "6.1.0-test",
      banner: BANNER,
      linkedText: LINKED_TEXT,
      textEnd: PLACE.etext,
    });
  });

  it("is the same whatever it is wrapped in", () => {
    const elf = buildKernelElf();
    for (const bytes of [elf, bootImage(gzipPayload(elf))]) {
      expect(openKernelImage(bytes).symbols.all).toEqual(image.symbols.all);
      expect(openKernelImage(bytes).sites).toEqual(image.sites);
    }
  });

  it.each(LAYOUTS)("has its symbols found by content in the layout of %s", (layout) => {
    const { all } = openKernelImage(buildKernelElf({ layout })).symbols;
    expect(all.map((s) => [s.name, s.type, s.address])).toEqual(SYMBOLS);
  });

  it("finds symbols by name, position and address", () => {
    const { symbols } = image;
    expect(symbols.at("twin", 2).address).toBe(LINKED_TEXT + BigInt(PLACE.twin2));
    expect(symbols.at("fn_plain", 0).address).toBe(symbols.at("fn_plain", 1).address);
    const address = symbols.at("fn_plain", 0).address;
    expect(symbols.startingAt(address).map((s) => s.name)).toEqual(["fn_plain", "fn_plain_alias"]);
    expect(symbols.only("nothing")).toBeUndefined();
    expect(() => symbols.only("twin")).toThrow(expect.objectContaining({ code: "parse" }));
    expect(() => symbols.at("twin", 0)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => symbols.at("twin", 3)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  it("has three kinds of relocations", () => {
    const at = (offset: number): Uint32Array => Uint32Array.of(PLACE.plain + offset);
    expect(image.relocations).toEqual({
      reloc32: at(PLAIN_SITES.reloc32),
      reloc32neg: at(PLAIN_SITES.reloc32neg),
      reloc64: at(PLAIN_SITES.reloc64),
    });
  });

  it("may have no inverse relocations, as kernels since 6.15", () => {
    const [word64, word32] = [16, 8].map((at) => le(LINKED_TEXT + BigInt(PLACE.plain + at), 4));
    const relocations = concatBytes([le(0, 4), word64 ?? le(0, 4), le(0, 4), word32 ?? le(0, 4)]);
    expect(openKernelImage(buildKernelElf({ relocations })).relocations).toEqual({
      reloc32: Uint32Array.of(PLACE.plain + 8),
      reloc32neg: new Uint32Array(),
      reloc64: Uint32Array.of(PLACE.plain + 16),
    });
  });

  it.each([
    ["without relocations", new Uint8Array(), "unsupported"],
    ["with a cut table", relocationTable().subarray(0, -1), "parse"],
    ["with a table that goes on", concatBytes([relocationTable(), le(0, 4)]), "parse"],
    ["with a relocation outside of the kernel", concatBytes([relocationTable(), le(16, 4)]), "parse"],
  ])("is refused %s", (_, relocations, code) => {
    expect(() => openKernelImage(buildKernelElf({ relocations }))).toThrow(expect.objectContaining({ code }));
  });

  it.each([12, 14] as const)("has its alternatives read with entries of %i bytes", (alternativeSize) => {
    const { sites } = openKernelImage(buildKernelElf({ alternativeSize }));
    const form = (code: readonly number[], condition: FeatureCondition | null): AlternativeForm => ({
      condition,
      code: Uint8Array.from(code),
      sites: [],
    });
    // Both ways of Linux pad what is shorter with one nop.
    expect(sites.filter((s) => s.kind === "alternative")).toEqual([
      {
        kind: "alternative",
        at: PLACE.alternative + ALTERNATIVES.smap,
        length: 5,
        forms: [
          form([0x0f, 0x01, 0xca, 0x66, 0x90], { feature: FEATURES.smap, present: true }),
          form([0x0f, 0x1f, 0x44, 0, 0], null),
        ],
      },
      {
        kind: "alternative",
        at: PLACE.alternative + ALTERNATIVES.fence,
        length: 5,
        forms: [
          form([0x0f, 0xae, 0xe8, 0x66, 0x90], { feature: FEATURES.other, present: false }),
          form([0xe9, 0x60, 0, 0, 0], null),
        ],
      },
    ]);
  });

  it("has every table of patch sites", () => {
    expect(image.sites.map(({ kind, at }) => [kind, at])).toEqual([
      ["ftrace", PLACE.plain],
      ["return_thunk", PLACE.plain + PLAIN_SITES.return_thunk],
      ["smp_lock", PLACE.locked + 4],
      ["alternative", PLACE.alternative + 2],
      ["alternative", PLACE.alternative + 12],
      ["jump_label", PLACE.branching + 4],
      ["unknown", PLACE.oddReturn + 8],
    ]);
  });

  it("finds the sites that reach into a range, and no others", () => {
    const kinds = (start: number, end: number): readonly string[] =>
      sitesWithin(image.sites, start, end).map((s) => s.kind);
    const { alternative } = PLACE;
    expect(kinds(alternative, alternative + 2)).toEqual([]);
    expect(kinds(alternative + 6, alternative + 7)).toEqual(["alternative"]);
    expect(kinds(alternative + 7, alternative + 12)).toEqual([]);
    expect(kinds(0, PLACE.etext)).toHaveLength(7);
  });

  it("gives code as linked", () => {
    expect(image.read(textOffset(PLACE.plain), 5)).toEqual(Uint8Array.of(0x0f, 0x1f, 0x44, 0, 0));
    expect(() => image.read(textOffset(0x8000), 1)).toThrow(expect.objectContaining({ code: "parse" }));
  });
});

describe("hostile images", () => {
  const survives = (bytes: Uint8Array): void => {
    try {
      openKernelImage(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(RebootlessError);
    }
  };

  it("are values or errors of ours", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), survives));
    for (const layout of LAYOUTS) {
      const elf = buildKernelElf({ layout });
      const changes = fc.array(fc.tuple(fc.nat(elf.length - 1), fc.nat(255)), { maxLength: 8 });
      fc.assert(
        fc.property(changes, (list) => {
          const bytes = elf.slice();
          for (const [at, value] of list) bytes[at] = value;
          survives(bytes);
        }),
        { numRuns: 60 },
      );
    }
  });

  it("are refused when the tables lie", () => {
    const elf = buildKernelElf();
    // Each byte of the small tables, of the start of kallsyms and of the relocations.
    for (let at = 0x1000 + PLACE.notes; at < 0x1000 + PLACE.tables + 0x100; at += 3) {
      const bytes = elf.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      survives(bytes);
    }
    for (let at = elf.length - 24; at < elf.length; at++) {
      const bytes = elf.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      survives(bytes);
    }
  });
});
