import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLivepatchModule } from "../../../publisher/module/livepatch_module.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { SMALL_MODULE_ID, type SmallModuleSpec, smallModule, TABLES, toolModule } from "./small_modules.ts";

const TOOLS = Object.keys(TABLES) as (keyof typeof TABLES)[];

describe("a livepatch module", () => {
  it.each([
    [152, 168],
    [64, 96],
    [24, 16],
  ])("says what it replaces, whatever the sizes of its structures (%i, %i)", (functionSize, objectSize) => {
    expect(readLivepatchModule(smallModule({ functionSize, objectSize }))).toEqual({
      name: "lp_sample",
      vermagic: "6.1.0-test SMP ",
      buildId: SMALL_MODULE_ID,
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
    expect(readLivepatchModule(smallModule({ noFunctions })).objects).toEqual([
      expect.objectContaining({ object: "vmlinux" }),
      { object: "dm_mod", functions: [], callbacks: [] },
    ]);
  });

  it.each(TOOLS)("may have its table of functions from %s", (tool) => {
    expect(readLivepatchModule(toolModule(tool)).objects).toEqual([
      { object: "vmlinux", functions: [{ name: "first", position: 0 }], callbacks: [] },
      {
        object: "dm_mod",
        functions: [{ name: "second.part.0", position: 7 }],
        callbacks: tool === "kpatch-build" ? ["pre_patch"] : [],
      },
    ]);
  });

  it.each([
    ["a table that is cut", (data: Uint8Array) => data.subarray(0, data.length - 1), "parse"],
    ["a position beyond all", (data: Uint8Array) => data.map(() => 255), "limit"],
  ] as const)("is refused with %s", (_, change, code) => {
    expect(() => readLivepatchModule(toolModule("kpatch-build", change))).toThrow(
      expect.objectContaining({ code }),
    );
  });

  const IDLE = [
    ["dm_mod.ko", "the name of a file", "Name the object dm_mod."],
    ["drivers/md/dm-mod.ko.xz", "the name of a file", "Name the object dm_mod."],
    ["dm-mod", "the kernel writes - as _", "Name the object dm_mod."],
    ["vmlinux", "the kernel itself is no module", "klp_object.name is NULL"],
  ] as const;

  it.each(IDLE)("is refused with an object %j, which is never found", (objectText, words, hint) => {
    const refusal = { code: "unsupported", hint: expect.stringContaining(hint) };
    for (const make of [
      () => smallModule({ objectText }),
      () => toolModule("klp-build (Linux 6.19)", undefined, objectText),
      () => toolModule("klp-build (Linux 7)", undefined, objectText),
    ]) {
      const message = expect.stringContaining(`in its object "${objectText}"`);
      expect(() => readLivepatchModule(make())).toThrow(expect.objectContaining({ ...refusal, message }));
      expect(() => readLivepatchModule(make())).toThrow(words);
    }
  });

  it("of kpatch-build may name vmlinux, which its own code understands, but no file", () => {
    const kernelAlone = readLivepatchModule(toolModule("kpatch-build", undefined, "vmlinux"));
    expect(kernelAlone.objects.map(({ object }) => object)).toEqual(["vmlinux"]);
    expect(() => readLivepatchModule(toolModule("kpatch-build", undefined, "dm_mod.ko"))).toThrow(
      "the name of a file",
    );
  });

  it.each([
    ["does not call klp_enable_patch", () => smallModule({ enables: false })],
    ["replaces no function", () => toolModule("klp-build (Linux 7)", () => new Uint8Array(128))],
  ] as const)("is refused when it would do nothing: it %s", (words, make) => {
    expect(() => readLivepatchModule(make())).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: expect.stringContaining(`would do nothing: it ${words}`),
      }),
    );
  });

  it("may have livepatch relocations for its objects and the kernel alone", () => {
    const withRelocations = (object: string) =>
      smallModule({
        moreSections: [
          { name: `.klp.rela.${object}..text`, type: 4, entrySize: 24, data: new Uint8Array(24) },
        ],
      });
    expect(readLivepatchModule(withRelocations("vmlinux")).objects).toHaveLength(2);
    expect(readLivepatchModule(withRelocations("dm_mod")).objects).toHaveLength(2);
    expect(() => readLivepatchModule(withRelocations("kvm"))).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining("the object kvm") }),
    );
  });

  it("is told from other modules", () => {
    const plain = smallModule({ modinfo: "name=plain\0vermagic=x\0" });
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
  ] satisfies readonly (readonly [string, SmallModuleSpec, string])[])(
    "is refused with %s",
    (_, spec, code) => {
      expect(() => readLivepatchModule(smallModule(spec))).toThrow(expect.objectContaining({ code }));
    },
  );

  it("is a value or an error of ours, whatever its bytes", () => {
    const file = smallModule();
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
