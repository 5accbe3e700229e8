import { describe, expect, it } from "vitest";
import { segmentMemory } from "../../../publisher/image/linked_memory.ts";
import { ibtSealSites } from "../../../publisher/image/sites/ibt_seal.ts";
import {
  leadsCallsFirst,
  namesAddress,
  prefixesCalls,
} from "../../../publisher/image/sites/patching_code.ts";
import { runtimeConstantSites } from "../../../publisher/image/sites/runtime_constant.ts";
import type { SiteSources } from "../../../publisher/image/sites/sources.ts";
import { symbolTable } from "../../../publisher/image/symbol_table.ts";
import type { Address } from "../../../shared/brand.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import type { ElfSection } from "../../../shared/elf/sections.ts";
import { le } from "../../support/elf_builder.ts";

const TEXT = 0xffff_ffff_8100_0000n;
const SIZE = 0x4000;
const TEXT_END = 0x2000;
const TABLE = 0x3000;

type Functions = Readonly<Record<string, readonly [at: number, code?: string]>>;

/** A kernel of some functions and tables. Code is in hex; a table is the places that its entries name. */
function kernelOf(
  functions: Functions,
  tables: Readonly<Record<string, readonly number[]>> = {},
): SiteSources {
  const bytes = new Uint8Array(SIZE).fill(0x90);
  const all = Object.entries({ ...functions, _etext: [TEXT_END] as const });
  for (const [, [at, code = ""]] of all) bytes.set(fromHex(code.replaceAll(" ", "")), at);
  let table = TABLE;
  const sections = Object.entries(tables).map(([name, places]) => {
    const start = table;
    for (const place of places) {
      bytes.set(le(place - table, 4), table);
      table += 4;
    }
    return { name, address: (TEXT + BigInt(start)) as Address, size: table - start } as ElfSection;
  });
  const symbols = symbolTable(
    all
      .map(([name, [at]]) => ({ name, type: "T", address: (TEXT + BigInt(at)) as Address }))
      .sort((a, b) => Number(a.address - b.address)),
  );
  const memory = segmentMemory([{ address: TEXT as Address, bytes }]);
  return {
    memory,
    sections,
    symbols,
    own: symbols,
    linkedText: TEXT as Address,
    relocated: () => [],
  };
}

const call = (from: number, to: number): string => `e8${toHex(le(to - from - 5, 4))}`;

describe("a kernel's own code", () => {
  const SEALED = { ".ibt_endbr_seal": [0x100] };
  const sealOf = (isEndbr?: string): unknown => {
    const sealed: Functions = { sealed: [0x100, "f30f1efa"] };
    const functions = isEndbr === undefined ? sealed : { ...sealed, is_endbr: [0x200, isEndbr] as const };
    return ibtSealSites(kernelOf(functions, SEALED)).map((site) =>
      site.kind === "fixed" ? toHex(site.code) : site.kind,
    );
  };

  it("shows which seal it writes", () => {
    expect(sealOf()).toEqual(["660f1f00"]);
    expect(sealOf("8b07 ba01000000 3d660f1f00 7411 c3")).toEqual(["660f1f00"]);
    expect(sealOf("8b07 ba01000000 3d0f1f40d6 7411 c3")).toEqual(["0f1f40d6"]);
  });

  it("shows whether it fills inlined calls up with prefixes, by a store at a place with an index", () => {
    const kernel = (code: string) => kernelOf({ apply_retpolines: [0x100, code], next: [0x140] });
    expect(prefixesCalls(kernel("48ffc2 c604162e 75f7"))).toBe(true);
    expect(prefixesCalls(kernel("c68424880000002e 0f872e040000"))).toBe(false);
    expect(prefixesCalls(kernel("c604242e"))).toBe(false);
    expect(prefixesCalls(kernelOf({}))).toBe(false);
  });

  it("shows whether it leads calls to padding before it applies alternatives", () => {
    const kernel = (first: number, second: number) =>
      kernelOf({
        alternative_instructions: [0x100, `f30f1efa ${call(0x104, first)} 31c0 ${call(0x10b, second)} c3`],
        apply_alternatives: [0x200],
        callthunks_patch_builtin_calls: [0x300],
      });
    expect(leadsCallsFirst(kernel(0x300, 0x200))).toBe(true);
    expect(leadsCallsFirst(kernel(0x200, 0x300))).toBe(false);
    expect(leadsCallsFirst(kernelOf({}))).toBe(false);
  });

  it("shows which functions it asks for, by a value or by a place", () => {
    const address = TEXT + 0x300n;
    const value = `4881fb${toHex(le(0x8100_0300, 4))}`;
    const place = `488d05${toHex(le(0x300 - 0x107, 4))}`;
    for (const code of [value, place])
      expect(namesAddress(kernelOf({ transform: [0x100, code], next: [0x140] }), "transform", address)).toBe(
        true,
      );
    expect(
      namesAddress(kernelOf({ transform: [0x100, value], next: [0x140] }), "transform", address + 1n),
    ).toBe(false);
  });
});

describe("a constant that boot fills in", () => {
  it("has its variable, or the lower half of it", () => {
    const kernel = kernelOf({ size: [0x2800] }, { runtime_ptr_size: [0x100], runtime_mask_size: [0x200] });
    expect(runtimeConstantSites(kernel)).toEqual([
      { kind: "runtime_constant", at: 0x100, length: 8, variable: 0x2800 },
      { kind: "runtime_mask", at: 0x200, variable: 0x2800 },
    ]);
  });

  it("is shown by the next operand where it has no variable, and never by code that is freed", () => {
    const kernel = kernelOf({}, { runtime_ptr___cache: [0x100, 0x2100, 0x200, 0x300] });
    const shown = runtimeConstantSites(kernel).map((site) => [
      site.kind,
      site.at,
      "variable" in site && site.variable,
    ]);
    expect(shown).toEqual([
      ["runtime_constant", 0x100, 0x200],
      ["unknown", 0x2100, false],
      ["runtime_constant", 0x200, 0x300],
      ["runtime_constant", 0x300, 0x100],
    ]);
  });

  it("stays as it is in a module", () => {
    const kernel = kernelOf({ size: [0x2800] }, { runtime_ptr_size: [0x100], runtime_mask_size: [0x200] });
    const module = { isText: () => true, isImport: () => false, hasLocks: () => true } as const;
    const sources = { ...kernel, module } as unknown as SiteSources;
    expect(runtimeConstantSites(sources)).toEqual([]);
  });

  it("is not understood where one operand stays alone, or in another form", () => {
    const kernel = kernelOf({}, { runtime_ptr___queues: [0x2100, 0x200], runtime_other_x: [0x300] });
    expect(runtimeConstantSites(kernel).map(({ kind }) => kind)).toEqual(["unknown", "unknown", "unknown"]);
  });
});
