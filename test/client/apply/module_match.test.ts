import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { matchObject, matchUpdate } from "../../../client/apply/match.ts";
import { placeObject } from "../../../client/apply/place_object.ts";
import type { ObjectMatch, RunningCode } from "../../../client/apply/running_code.ts";
import { runningModules } from "../../../client/host/modules.ts";
import { type Address, buildId, objectName, sha256Hex, textOffset } from "../../../shared/brand.ts";
import { fromHex, utf8 } from "../../../shared/bytes.ts";
import type { TargetObject } from "../../../shared/feed/update.ts";
import type { TextMemory } from "../../../shared/runpre/fingerprint.ts";
import { locatorOf } from "../../../shared/runpre/locator.ts";
import { MODULE_SPACE } from "../../../shared/runpre/module/layout.ts";
import { writeRelative } from "../../../shared/x86/code.ts";
import { note } from "../../support/elf_builder.ts";
import { landmarks, updateOf } from "./kernel.ts";

const TEXT = 0xffff_ffff_9000_0000n as Address;
const OWN = "ab".repeat(20);
const OTHER = "cd".repeat(20);
/** Where the loader put things, as distances from `_text`. */
const PLACE = { text: 0x3000_0040 - 0x40, data: 0x3100_0000, helper: 0x3200_0100 };

/** As linked: a call of another module's `helper`, and the address of the data's byte 8, at 16. */
function linkedCode(): Uint8Array {
  const code = new Uint8Array(64).fill(0x90);
  code[0] = 0xe8;
  writeRelative(code, 1, 0x6000_8000 - MODULE_SPACE - 5);
  new DataView(code.buffer).setBigUint64(16, landmarks.linkedText + BigInt(0x4100_0008), true);
  return code;
}

const object: TargetObject = {
  name: objectName("nf_one"),
  buildId: buildId(OWN),
  layout: {
    bases: [
      {
        kind: "text",
        at: textOffset(MODULE_SPACE),
        size: 128,
        sections: [
          [".text", 0],
          [".text.unlikely", 64],
        ],
      },
      { kind: "section", at: textOffset(0x4100_0000), size: 64, name: ".data" },
      { kind: "import", at: textOffset(0x6000_0000), size: 0x1_0000, symbol: "helper", exported: "helper" },
    ],
    itsPages: [],
  },
  functions: [
    {
      name: "one",
      offset: textOffset(MODULE_SPACE),
      size: 64,
      sha256: sha256Hex(createHash("sha256").update(linkedCode()).digest("hex")),
      locator: locatorOf(linkedCode()),
      sites: [
        { kind: "moved", at: 1, length: 4, base: 2, relative: true },
        { kind: "moved", at: 16, length: 8, base: 1, relative: false },
      ],
    },
  ],
};

const hex = (offset: number): string => `0x${(TEXT + BigInt(offset)).toString(16)}\n`;
let files: Map<string, Uint8Array>;
let code: Uint8Array;

const memory: TextMemory = {
  text: TEXT,
  read: (offset, length) => {
    if (offset !== PLACE.text) throw new Error(`nothing is at ${offset}`);
    return code.subarray(0, length);
  },
};
const running: RunningCode = { landmarks, memory, updates: [], loaded: [], sleep: async () => undefined };
const match = async (target: TargetObject = object): Promise<ObjectMatch> => {
  const modules = runningModules((path) => files.get(path));
  const placed = placeObject(target, running, modules);
  return placed.outcome === "placed" ? matchObject(target, placed, running) : placed;
};

beforeEach(() => {
  code = linkedCode();
  writeRelative(code, 1, PLACE.helper - PLACE.text - 5);
  new DataView(code.buffer).setBigUint64(16, TEXT + BigInt(PLACE.data + 8), true);
  files = new Map([
    ["/sys/module/nf_one/initstate", utf8("live\n")],
    ["/sys/module/nf_one/notes/.note.gnu.build-id", note("GNU", 3, fromHex(OWN))],
    ["/sys/module/nf_one/sections/.text", utf8(hex(PLACE.text))],
    ["/sys/module/nf_one/sections/.text.unlikely", utf8(hex(PLACE.text + 64))],
    ["/sys/module/nf_one/sections/.data", utf8(hex(PLACE.data))],
    ["/proc/kallsyms", utf8(kallsyms(PLACE.helper))],
  ]);
});

const kallsyms = (helper: number): string =>
  [
    "ffffffff90000000 T helper",
    `${hex(helper).trim().slice(2)} t helper\t[nf_two]`,
    `${hex(helper + 64)
      .trim()
      .slice(2)} t helper\t[nf_three]`,
    `${hex(0x100).trim().slice(2)} r __ksymtab_helper\t[nf_two]`,
    "",
  ].join("\n");

describe("matching a module with memory", () => {
  it("undoes what its loader filled in", async () => {
    expect(await match()).toEqual({ outcome: "match", functions: 1, bytes: 64 });
  });

  it.each([0, 1, 4, 5, 16, 19, 23, 63])("finds a changed bit of byte %i", async (at) => {
    code[at] = (code[at] ?? 0) ^ 4;
    expect(await match()).toMatchObject({
      outcome: "mismatch",
      error: { code: "runpre", details: { function: "one" } },
    });
  });

  it("finds a call that leads to a namesake in another module", async () => {
    files.set("/proc/kallsyms", utf8(kallsyms(PLACE.helper + 16)));
    expect(await match()).toMatchObject({ outcome: "mismatch" });
  });

  it("tells another build by name, before it reads memory", async () => {
    files.set("/sys/module/nf_one/notes/.note.gnu.build-id", note("GNU", 3, fromHex(OTHER)));
    expect(await match()).toEqual({ outcome: "other_build", wanted: OWN, found: OTHER });
    const update = { ...updateOf("fix", []), objects: [object] };
    const refused = matchUpdate(
      update,
      running,
      runningModules((path) => files.get(path)),
    );
    await expect(refused).rejects.toMatchObject({
      code: "runpre",
      message: expect.stringContaining("nf_one"),
      details: { expected: OWN, found: OTHER },
    });
  });

  it.each([undefined, "coming\n"])("is of no use while the module is not at work (%j)", async (state) => {
    if (state === undefined) files.delete("/sys/module/nf_one/initstate");
    else files.set("/sys/module/nf_one/initstate", utf8(state));
    expect(await match()).toEqual({ outcome: "not_loaded" });
  });

  it.each([
    ["hides its addresses", "/sys/module/nf_one/sections/.data", "0x0000000000000000\n"],
    ["has laid the code out otherwise", "/sys/module/nf_one/sections/.text.unlikely", hex(PLACE.text + 80)],
    ["has a symbol that nobody exports", "/proc/kallsyms", "ffffffffc0000000 t helper\t[nf_two]\n"],
  ])("is unsupported where the kernel %s", async (_, path, text) => {
    files.set(path, utf8(text));
    await expect(match()).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("nf_one"),
    });
  });

  it("does not take a section's name for a path", async () => {
    const layout = {
      bases: [{ kind: "section", at: textOffset(0x4100_0000), size: 64, name: "../initstate" }],
    } as const;
    const hostile = { ...object, layout: { ...layout, itsPages: [] } };
    await expect(match(hostile)).rejects.toMatchObject({ code: "parse" });
  });
});
