import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { fingerprintFunction } from "../../../publisher/fingerprint/kernel_function.ts";
import { landmarks } from "../../../publisher/fingerprint/landmarks.ts";
import { openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { type Address, textOffset } from "../../../shared/brand.ts";
import { checkFunction } from "../../../shared/runpre/check.ts";
import type { TextMemory } from "../../../shared/runpre/fingerprint.ts";
import { le } from "../../support/elf_builder.ts";
import { buildKernelElf, LINKED_TEXT, PLACE, PLAIN_SITES, SYMBOLS } from "../../support/kernel_builder.ts";

const image = openKernelImage(buildKernelElf());

describe("the fingerprint of a function", () => {
  const plain = fingerprintFunction(image, { name: "fn_plain", position: 0 });

  it("has bounds and sites", () => {
    expect(plain).toMatchObject({ name: "fn_plain", offset: PLACE.plain, size: PLACE.locked - PLACE.plain });
    expect(plain.sites).toEqual(Object.entries(PLAIN_SITES).map(([kind, at]) => ({ kind, at })));
  });

  it("digests the code as linked, without the bytes of its patch sites", () => {
    const body = image.read(textOffset(PLACE.plain), plain.size).slice();
    body.fill(0, 0, 5);
    body.fill(0, 40, 45);
    expect(plain.sha256).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("matches memory as boot leaves it", () => {
    const moved = 0x2000_0000n;
    const bytes = image.read(textOffset(0), 0x2000).slice();
    const at = PLACE.plain;
    bytes.set(le(LINKED_TEXT + 0x4000n + moved, 4), at + PLAIN_SITES.reloc32);
    bytes.set(le(LINKED_TEXT + 0x4008n + moved, 8), at + PLAIN_SITES.reloc64);
    bytes.set(le(0x1234n - 0x8100_0000n - moved, 4), at + PLAIN_SITES.reloc32neg);
    bytes.set([0xc3, 0xcc, 0xcc, 0xcc, 0xcc], at + PLAIN_SITES.return_thunk);
    bytes.set(le(LINKED_TEXT + moved + BigInt(PLACE.thunk), 8), PLACE.thunkVariable);
    const memory: TextMemory = {
      text: (LINKED_TEXT + moved) as Address,
      read: (offset, length) => bytes.subarray(offset, offset + length),
    };
    expect(checkFunction(plain, landmarks(image), memory, sha256Of)).toEqual({ result: "match" });
    bytes[at + 50] = (bytes[at + 50] ?? 0) ^ 0x40;
    expect(checkFunction(plain, landmarks(image), memory, sha256Of)).toMatchObject({
      result: "mismatch",
      differences: [{ offset: 50, length: 1 }],
    });
  });

  it("tells functions of one name apart by position", () => {
    const [first, second] = [1, 2].map((position) => fingerprintFunction(image, { name: "twin", position }));
    expect([first?.offset, second?.offset]).toEqual([PLACE.twin1, PLACE.twin2]);
    expect(first?.sha256).not.toBe(second?.sha256);
  });

  it.each([
    ["fn_locked", [{ kind: "smp_lock", at: 4 }]],
    [
      "fn_alternative",
      [
        { kind: "alternative", at: 2 },
        { kind: "alternative", at: 12 },
      ],
    ],
    ["fn_branching", [{ kind: "jump_label", at: 4, length: 2, target: 18, key: PLACE.key, branch: false }]],
  ])("has the sites of %s", (name, sites) => {
    const { sites: found } = fingerprintFunction(image, { name, position: 0 });
    expect(found).toHaveLength(sites.length);
    expect(found).toMatchObject(sites);
  });

  it("is refused for a site that is not understood", () => {
    const name = "fn_odd_return";
    expect(() => fingerprintFunction(image, { name, position: 0 })).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: expect.stringContaining(name),
        details: expect.objectContaining({ name, kinds: "return_thunk", offset: 8 }),
      }),
    );
  });

  it.each([
    ["data", "data_7"],
    ["code after the text's end", "_etext"],
    ["a per-CPU variable", "percpu_variable"],
    ["an unknown name", "no_such_function"],
  ])("is refused for %s", (_, name) => {
    expect(() => fingerprintFunction(image, { name, position: 0 })).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining(name) }),
    );
  });

  it("is refused when a relocation crosses its bounds", () => {
    const relocations = new Uint8Array([
      ...le(0, 4),
      ...le(LINKED_TEXT + BigInt(PLACE.twin1 - 4), 4),
      ...le(0, 4),
      ...le(0, 4),
    ]);
    const crossed = openKernelImage(buildKernelElf({ relocations }));
    expect(() => fingerprintFunction(crossed, { name: "twin", position: 1 })).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining("reloc64") }),
    );
  });
});

describe("landmarks", () => {
  it("are the places that judging needs, null for what the kernel has not", () => {
    expect(landmarks(image)).toEqual({
      linkedText: LINKED_TEXT,
      returnThunkVariable: PLACE.thunkVariable,
      returnThunkDefault: PLACE.thunk,
      returnThunkIts: PLACE.itsThunk,
      patching: {
        capabilities: null,
        uniprocessor: PLACE.uniprocessor,
        paravirt: null,
        staticCalls: null,
        retpolines: null,
        callDepth: null,
        ftraceFunction: null,
      },
    });
  });

  it("have no ITS thunk in a kernel that has empty functions of its name instead", () => {
    const stubs = SYMBOLS.map(
      ([name, type, address]) => [name === "twin" ? "its_return_thunk" : name, type, address] as const,
    );
    expect(landmarks(openKernelImage(buildKernelElf({ symbols: stubs }))).returnThunkIts).toBeNull();
  });
});
