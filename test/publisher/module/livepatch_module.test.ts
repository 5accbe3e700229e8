import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLivepatchModule } from "../../../publisher/module/livepatch_module.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { buildElf, le, note, type RelaSpec, relaSection, symbolSections } from "../../support/elf_builder.ts";

const ID = "ffeeddccbbaa99887766554433221100ffeeddcc";
const STRINGS = "first\0second.part.0\0dm_mod\0";
const NAME = { first: 0, second: 6, module: 20 };
const SECTION = { text: 1, strings: 2, data: 5, bss: 6 };
const SYMBOL = { text: 1, strings: 2, data: 3, bss: 4, thisModule: 5 };

interface ModuleSpec {
  readonly modinfo?: string;
  /** Bytes of a klp_func and of a klp_object, which differ between kernels. */
  readonly functionSize?: number;
  readonly objectSize?: number;
  readonly position?: number;
  readonly secondObject?: "dm_mod" | "vmlinux";
  readonly withSymbols?: boolean;
  readonly dirtyEnd?: boolean;
  readonly patches?: number;
  readonly sharedFunctions?: boolean;
  /** The second object has callbacks alone: its array is zeroed data, which may have no bytes in the file. */
  readonly noFunctions?: "in data" | "in bss";
}

/** klp_patch at 0, one function array for each of two objects, then the objects; the strings beside them. */
function buildModule(spec: ModuleSpec = {}): Uint8Array {
  const { functionSize = 152, objectSize = 168, position = 3, patches = 1 } = spec;
  const [one, two, objects] = [256, 256 + 3 * functionSize, 256 + 5 * functionSize];
  const data = new Uint8Array(objects + 3 * objectSize);
  data.set(le(position, 8), one + functionSize + 16);
  if (spec.dirtyEnd === true) data[objects + 2 * objectSize + 40] = 1;
  const pointer = (offset: number, symbol: number, addend: number): RelaSpec => ({
    offset,
    type: 1,
    symbol,
    addend,
  });
  const klpFunc = (at: number, name: number): readonly RelaSpec[] => [
    pointer(at, SYMBOL.strings, name),
    pointer(at + 8, SYMBOL.text, 16),
  ];
  const relas = [
    ...Array.from({ length: patches }, (_, i) => [
      pointer(100 * i, SYMBOL.thisModule, 0),
      pointer(100 * i + 8, SYMBOL.data, objects),
    ]).flat(),
    ...klpFunc(one, NAME.first),
    ...klpFunc(one + functionSize, NAME.second),
    ...(spec.noFunctions === undefined ? klpFunc(two, NAME.first) : []),
    pointer(objects + 8, SYMBOL.data, one),
    ...(spec.secondObject === "vmlinux" ? [] : [pointer(objects + objectSize, SYMBOL.strings, NAME.module)]),
    spec.noFunctions === "in bss"
      ? pointer(objects + objectSize + 8, SYMBOL.bss, 0)
      : pointer(objects + objectSize + 8, SYMBOL.data, spec.sharedFunctions === true ? one : two),
  ];
  const array = (value: number, size: number, section: number = SECTION.data) => ({
    name: `array_${section}_${value}`,
    type: 1,
    section,
    value,
    size,
  });
  const symbols = [
    ...[SECTION.text, SECTION.strings, SECTION.data, SECTION.bss].map((section) => ({
      name: "",
      type: 3,
      section,
    })),
    { name: "__this_module", binding: 1, section: 0 },
    ...(spec.withSymbols === false
      ? []
      : [
          array(one, 3 * functionSize),
          array(two, (spec.noFunctions === undefined ? 2 : 1) * functionSize),
          array(objects, 3 * objectSize),
          array(0, functionSize, SECTION.bss),
        ]),
  ];
  const modinfo = spec.modinfo ?? "license=GPL\0livepatch=Y\0name=lp_sample\0vermagic=6.1.0-test SMP \0";
  return buildElf({
    type: 1,
    sections: [
      { name: ".text", data: new Uint8Array(64), flags: 6 },
      { name: ".rodata.str1.1", data: utf8(STRINGS), flags: 2 },
      { name: ".modinfo", data: utf8(modinfo), flags: 2 },
      { name: ".note.gnu.build-id", data: note("GNU", 3, Uint8Array.from(Buffer.from(ID, "hex"))), type: 7 },
      { name: ".data", data, flags: 3 },
      { name: ".bss", type: 8, data: new Uint8Array(functionSize), flags: 3 },
      relaSection(".rela.data", SECTION.data, relas),
      ...symbolSections(symbols, 9),
    ],
  });
}

const TABLES = {
  kpatch: ".kpatch.funcs",
  "klp-build": "__klp_objects",
  "klp-build of 7.3": ".init.klp_objects",
} as const;

/** A function of the kernel proper and one of dm_mod, in the tables that tools write. */
function toolModule(
  tool: "kpatch" | "klp-build" | "klp-build of 7.3",
  change = (data: Uint8Array) => data,
): Uint8Array {
  const pointer = (offset: number, symbol: number, addend: number): RelaSpec => ({
    offset,
    type: 1,
    symbol,
    addend,
  });
  const isKpatch = tool === "kpatch";
  const table = new Uint8Array(isKpatch ? 2 * 56 : 2 * 64);
  const functions = new Uint8Array(2 * 24);
  if (isKpatch) table.set(le(7, 8), 56 + 32);
  else {
    functions.set(le(7, 8), 24 + 16);
    for (const entry of [0, 64]) table.set(le(1, 4), entry + 56);
  }
  const string = (offset: number, at: number): RelaSpec => pointer(offset, 2, at);
  const relas = isKpatch
    ? [0, 56].flatMap((at) => [
        pointer(at, 1, 16),
        string(at + 40, at === 0 ? NAME.first : NAME.second),
        string(at + 48, at === 0 ? 27 : NAME.module),
      ])
    : [pointer(8, 3, 0), string(64, NAME.module), pointer(72, 3, 24)];
  const functionRelas = [
    string(0, NAME.first),
    pointer(8, 1, 0),
    string(24, NAME.second),
    pointer(32, 1, 16),
  ];
  const symbols = [1, 2, 6].map((section) => ({ name: "", type: 3, section }));
  return buildElf({
    type: 1,
    sections: [
      { name: ".text", data: new Uint8Array(64), flags: 6 },
      { name: ".rodata.str1.1", data: utf8(`${STRINGS}vmlinux\0`), flags: 2 },
      { name: ".modinfo", data: utf8("livepatch=Y\0name=lp_tool\0vermagic=6.1.0-test SMP \0"), flags: 2 },
      { name: ".note.gnu.build-id", data: note("GNU", 3, Uint8Array.from(Buffer.from(ID, "hex"))), type: 7 },
      { name: TABLES[tool], data: change(table), flags: 3 },
      { name: "__klp_funcs", data: functions, flags: 3 },
      relaSection(".rela.table", 5, relas),
      relaSection(".rela__klp_funcs", 6, functionRelas),
      ...symbolSections(symbols, 9),
    ],
  });
}

describe("a livepatch module", () => {
  it.each([
    [152, 168],
    [64, 96],
    [24, 16],
  ])("says what it replaces, whatever the sizes of its structures (%i, %i)", (functionSize, objectSize) => {
    expect(readLivepatchModule(buildModule({ functionSize, objectSize }))).toEqual({
      name: "lp_sample",
      vermagic: "6.1.0-test SMP ",
      buildId: ID,
      objects: [
        {
          object: "vmlinux",
          functions: [
            { name: "first", position: 0 },
            { name: "second.part.0", position: 3 },
          ],
          callbacks: [],
        },
        { object: "dm_mod", functions: [{ name: "first", position: 0 }], callbacks: [] },
      ],
    });
  });

  it.each(["in data", "in bss"] as const)("may have callbacks alone for an object (%s)", (noFunctions) => {
    expect(readLivepatchModule(buildModule({ noFunctions })).objects).toEqual([
      expect.objectContaining({ object: "vmlinux" }),
      { object: "dm_mod", functions: [], callbacks: [] },
    ]);
  });

  it.each(["kpatch", "klp-build", "klp-build of 7.3"] as const)(
    "may have its table of functions from %s",
    (tool) => {
      expect(readLivepatchModule(toolModule(tool)).objects).toEqual([
        { object: "vmlinux", functions: [{ name: "first", position: 0 }], callbacks: [] },
        { object: "dm_mod", functions: [{ name: "second.part.0", position: 7 }], callbacks: [] },
      ]);
    },
  );

  it.each([
    ["a table that is cut", (data: Uint8Array) => data.subarray(0, data.length - 1), "parse"],
    ["a position beyond all", (data: Uint8Array) => data.map(() => 255), "limit"],
  ] as const)("is refused with %s", (_, change, code) => {
    expect(() => readLivepatchModule(toolModule("kpatch", change))).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("is told from other modules", () => {
    const plain = buildModule({ modinfo: "name=plain\0vermagic=x\0" });
    expect(() => readLivepatchModule(plain)).toThrow(
      expect.objectContaining({ code: "unsupported", hint: expect.stringContaining("livepatch: Y") }),
    );
  });

  it.each([
    ["two structures for one object", { secondObject: "vmlinux" }, "parse"],
    ["one array for two objects", { sharedFunctions: true }, "parse"],
    ["no symbols of its arrays", { withSymbols: false }, "parse"],
    ["an entry that is hidden behind the end", { dirtyEnd: true }, "parse"],
    ["no klp_patch", { patches: 0 }, "unsupported"],
    ["two of them", { patches: 2 }, "unsupported"],
    ["an absurd position", { position: 70_000 }, "limit"],
    ["no name", { modinfo: "livepatch=Y\0vermagic=x\0" }, "parse"],
    ["two names", { modinfo: "livepatch=Y\0name=a\0name=b\0vermagic=x\0" }, "parse"],
    ["a name that is none", { modinfo: "livepatch=Y\0name=../a\0vermagic=x\0" }, "parse"],
    ["unfinished modinfo", { modinfo: "livepatch=Y\0name=a" }, "parse"],
  ] satisfies readonly (readonly [string, ModuleSpec, string])[])("is refused with %s", (_, spec, code) => {
    expect(() => readLivepatchModule(buildModule(spec))).toThrow(expect.objectContaining({ code }));
  });

  it("is a value or an error of ours, whatever its bytes", () => {
    const file = buildModule();
    const start = 0x1000;
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1 - start), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(changes, fc.option(fc.nat(file.length)), (list, length) => {
        const bytes = file.slice();
        for (const [at, value] of list) bytes[start + at] = value;
        try {
          readLivepatchModule(bytes.subarray(0, length ?? bytes.length));
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
