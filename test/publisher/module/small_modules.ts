import { utf8 } from "../../../shared/bytes.ts";
import {
  buildElf,
  le,
  note,
  type RelaSpec,
  relaSection,
  type SectionSpec,
  symbolSections,
} from "../../support/elf_builder.ts";

export const SMALL_MODULE_ID = "ffeeddccbbaa99887766554433221100ffeeddcc";
const STRINGS = "first\0second.part.0\0dm_mod\0";
const OBJECT_TEXT = STRINGS.length + "vmlinux\0".length;
const NAME = { first: 0, second: 6, module: 20 };
const SECTION = { text: 1, strings: 2, data: 5, bss: 6 };
const SYMBOL = { text: 1, strings: 2, data: 3, bss: 4, thisModule: 5 };

export interface SmallModuleSpec {
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
  /** The name of the second object, if it is not dm_mod. */
  readonly objectText?: string;
  /** False for a module that does not call klp_enable_patch. */
  readonly enables?: boolean;
  /** Put behind the others. */
  readonly moreSections?: readonly SectionSpec[];
}

const ENABLE = { name: "klp_enable_patch", binding: 1, section: 0 };

/** klp_patch at 0, one function array for each of two objects, then the objects; the strings beside them. */
export function smallModule(spec: SmallModuleSpec = {}): Uint8Array {
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
    ...(spec.secondObject === "vmlinux"
      ? []
      : [
          pointer(
            objects + objectSize,
            SYMBOL.strings,
            spec.objectText === undefined ? NAME.module : STRINGS.length,
          ),
        ]),
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
    ...(spec.enables === false ? [] : [ENABLE]),
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
      { name: ".rodata.str1.1", data: utf8(`${STRINGS}${spec.objectText ?? ""}\0`), flags: 2 },
      { name: ".modinfo", data: utf8(modinfo), flags: 2 },
      {
        name: ".note.gnu.build-id",
        data: note("GNU", 3, Uint8Array.from(Buffer.from(SMALL_MODULE_ID, "hex"))),
        type: 7,
      },
      { name: ".data", data, flags: 3 },
      { name: ".bss", type: 8, data: new Uint8Array(functionSize), flags: 3 },
      relaSection(".rela.data", SECTION.data, relas),
      ...symbolSections(symbols, 9),
      ...(spec.moreSections ?? []),
    ],
  });
}

/** The tools that write tables, by their names in `inspect`, with the section of each. */
export const TABLES = {
  "kpatch-build": ".kpatch.funcs",
  "klp-build (Linux 6.19)": "__klp_objects",
  "klp-build (Linux 7)": ".init.klp_objects",
} as const;

/** A function of the kernel proper and one of dm_mod, in the tables that tools write. */
export function toolModule(
  tool: keyof typeof TABLES,
  change = (data: Uint8Array) => data,
  objectText = "dm_mod",
): Uint8Array {
  const pointer = (offset: number, symbol: number, addend: number): RelaSpec => ({
    offset,
    type: 1,
    symbol,
    addend,
  });
  const isKpatch = tool === "kpatch-build";
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
        string(at + 48, at === 0 ? STRINGS.length : OBJECT_TEXT),
      ])
    : [pointer(8, 3, 0), string(64, OBJECT_TEXT), pointer(72, 3, 24)];
  const functionRelas = [
    string(0, NAME.first),
    pointer(8, 1, 0),
    string(24, NAME.second),
    pointer(32, 1, 16),
  ];
  const symbols = [...[1, 2, 6].map((section) => ({ name: "", type: 3, section })), ENABLE];
  return buildElf({
    type: 1,
    sections: [
      { name: ".text", data: new Uint8Array(64), flags: 6 },
      { name: ".rodata.str1.1", data: utf8(`${STRINGS}vmlinux\0${objectText}\0`), flags: 2 },
      { name: ".modinfo", data: utf8("livepatch=Y\0name=lp_tool\0vermagic=6.1.0-test SMP \0"), flags: 2 },
      {
        name: ".note.gnu.build-id",
        data: note("GNU", 3, Uint8Array.from(Buffer.from(SMALL_MODULE_ID, "hex"))),
        type: 7,
      },
      { name: TABLES[tool], data: change(table), flags: 3 },
      { name: "__klp_funcs", data: functions, flags: 3 },
      relaSection(".rela.table", 5, relas),
      relaSection(".rela__klp_funcs", 6, functionRelas),
      ...symbolSections(symbols, 10),
      // One callback, and in each section the zeros that kpatch-build ends it with.
      ...(isKpatch
        ? [
            { name: ".kpatch.callbacks.pre_patch", data: new Uint8Array(16 + 8), flags: 3 },
            relaSection(".rela.kpatch.callbacks.pre_patch", 11, [pointer(0, 1, 16), string(8, OBJECT_TEXT)]),
            { name: ".kpatch.callbacks.post_patch", data: new Uint8Array(8), flags: 3 },
          ]
        : []),
    ],
  });
}
