import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { type Address, sha256Hex, textOffset } from "../../../shared/brand.ts";
import { toHex } from "../../../shared/bytes.ts";
import { checkFunction, type RunpreResult } from "../../../shared/runpre/check.ts";
import type { FunctionFingerprint, KernelLandmarks, TextMemory } from "../../../shared/runpre/fingerprint.ts";
import { locatorOf } from "../../../shared/runpre/locator.ts";
import { le } from "../../support/elf_builder.ts";

const LINKED = 0xffff_ffff_8100_0000n;
const MOVED = 0x1f60_0000n;
const START = 0x100;
const SIZE = 160;
const VARIABLE = 0x400;
const THUNK = 0x300;
const ITS_THUNK = 0x320;
const OTHER_THUNK = 0x340;
const RETURN_LOW = 90; // 0x100 + 90 = 0x15a: bit 5 clear
const RETURN_HIGH = 112; // 0x170: bit 5 set

const landmarks: KernelLandmarks = {
  linkedText: LINKED as Address,
  returnThunkVariable: textOffset(VARIABLE),
  returnThunkDefault: textOffset(THUNK),
  returnThunkIts: textOffset(ITS_THUNK),
};

/** The function as linked, with its sites of fixed content zero. */
function linkedBody(): Uint8Array {
  const body = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + 7) & 0xff);
  body.set(le(LINKED + 0x2000n, 4), 10);
  body.set(le(LINKED + 0x2008n, 8), 20);
  body.set(le(0x1_8000n - LINKED, 4), 40);
  for (const at of [0, RETURN_LOW, RETURN_HIGH]) body.fill(0, at, at + 5);
  return body;
}

const body = linkedBody();
const fingerprint: FunctionFingerprint = {
  name: "sample",
  offset: textOffset(START),
  size: SIZE,
  sha256: sha256Hex(sha256Of(body)),
  locator: locatorOf(body),
  sites: [
    { kind: "ftrace", at: 0 },
    { kind: "reloc32", at: 10 },
    { kind: "reloc64", at: 20 },
    { kind: "reloc32neg", at: 40 },
    { kind: "return_thunk", at: RETURN_LOW },
    { kind: "return_thunk", at: RETURN_HIGH },
  ],
};

const jump = (from: number, to: number): readonly number[] => [0xe9, ...le(to - (START + from) - 5, 4)];
const RET = [0xc3, 0xcc, 0xcc, 0xcc, 0xcc];

/** What boot makes of it, with the return thunk `thunk` in force. */
function booted(thunk: number, moved = MOVED): { bytes: Uint8Array; memory: TextMemory } {
  const bytes = new Uint8Array(0x500);
  bytes.set(linkedBody(), START);
  bytes.set([0x0f, 0x1f, 0x44, 0, 0], START);
  bytes.set(le(LINKED + moved + 0x2000n, 4), START + 10);
  bytes.set(le(LINKED + moved + 0x2008n, 8), START + 20);
  bytes.set(le(0x1_8000n - LINKED - moved, 4), START + 40);
  const low = thunk === THUNK ? RET : jump(RETURN_LOW, thunk);
  const high = thunk === THUNK || thunk === ITS_THUNK ? RET : jump(RETURN_HIGH, thunk);
  bytes.set(low, START + RETURN_LOW);
  bytes.set(high, START + RETURN_HIGH);
  bytes.set(le(LINKED + moved + BigInt(thunk), 8), VARIABLE);
  const memory: TextMemory = {
    text: (LINKED + moved) as Address,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
  return { bytes, memory };
}

const check = (memory: TextMemory): RunpreResult => checkFunction(fingerprint, landmarks, memory, sha256Of);

describe("run-pre matching", () => {
  it.each([
    ["plain returns", THUNK],
    ["a return thunk in force", OTHER_THUNK],
    ["the ITS thunk, in lower halves of cache lines only", ITS_THUNK],
  ])("matches a booted function with %s", (_, thunk) => {
    expect(check(booted(thunk).memory)).toEqual({ result: "match" });
    expect(check(booted(thunk, 0n).memory)).toEqual({ result: "match" });
  });

  it("leaves memory as it was", () => {
    const { bytes, memory } = booted(THUNK);
    const before = bytes.slice();
    check(memory);
    expect(bytes).toEqual(before);
  });

  it("reports a call at the entry as attached, and only that", () => {
    const { bytes, memory } = booted(THUNK);
    bytes.set([0xe8, 1, 2, 3, 4], START);
    expect(check(memory)).toEqual({ result: "attached" });
    bytes[START + 60] = (bytes[START + 60] ?? 0) ^ 1;
    expect(check(memory)).toMatchObject({ result: "mismatch", differences: [{ offset: 60, length: 1 }] });
  });

  it.each([
    ["an int3", [0xcc, 0x1f, 0x44, 0, 0]],
    ["a jump", [0xe9, 0, 0, 0, 0]],
    ["another nop", [0x0f, 0x1f, 0x44, 0, 1]],
  ])("refuses %s at the entry", (_, bytesThere) => {
    const { bytes, memory } = booted(THUNK);
    bytes.set(bytesThere, START);
    expect(check(memory)).toEqual({
      result: "mismatch",
      differences: [
        { offset: 0, length: 5, expected: "0f1f440000", found: toHex(Uint8Array.from(bytesThere)) },
      ],
    });
  });

  it("allows one value at a return: that of the thunk in force", () => {
    const { bytes, memory } = booted(OTHER_THUNK);
    bytes.set(RET, START + RETURN_LOW);
    expect(check(memory)).toEqual({
      result: "mismatch",
      differences: [
        {
          offset: RETURN_LOW,
          length: 5,
          expected: toHex(Uint8Array.from(jump(RETURN_LOW, OTHER_THUNK))),
          found: "c3cccccccc",
        },
      ],
    });
    const its = booted(ITS_THUNK);
    its.bytes.set(jump(RETURN_HIGH, ITS_THUNK), START + RETURN_HIGH);
    expect(check(its.memory)).toMatchObject({
      differences: [{ offset: RETURN_HIGH, expected: "c3cccccccc" }],
    });
  });

  it("finds a changed byte of a relocated address", () => {
    const { bytes, memory } = booted(THUNK);
    bytes[START + 20] = (bytes[START + 20] ?? 0) ^ 0x10;
    expect(check(memory)).toMatchObject({
      differences: [{ offset: 20, length: 1, expected: "08", found: "18" }],
    });
  });

  it("names whole blocks when it cannot name bytes", () => {
    const { bytes, memory } = booted(THUNK);
    for (const at of [64, 65, 66, 130]) bytes[START + at] = (bytes[START + at] ?? 0) ^ 0x55;
    const result = check(memory);
    expect(result).toMatchObject({
      differences: [
        { offset: 64, length: 64 },
        { offset: 128, length: 32 },
      ],
    });
  });

  it("detects every change of one bit and locates it", () => {
    const fixed = fc.nat(SIZE - 1).filter((at) => !(at >= 10 && at < 44));
    fc.assert(
      fc.property(fixed, fc.nat(7), (at, bit) => {
        const { bytes, memory } = booted(THUNK);
        bytes[START + at] = (bytes[START + at] ?? 0) ^ (1 << bit);
        const result = check(memory);
        if (result.result !== "mismatch") throw new Error(`bit ${bit} of ${at}: ${result.result}`);
        const [first, ...others] = result.differences;
        expect(others).toEqual([]);
        expect(first?.expected).toBeDefined();
        expect(at - (first?.offset ?? SIZE)).toBeLessThan(first?.length ?? 0);
        expect(at).toBeGreaterThanOrEqual(first?.offset ?? SIZE);
      }),
    );
  });

  it("detects arbitrary rewriting", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: SIZE, maxLength: SIZE }), (other) => {
        const { bytes, memory } = booted(THUNK);
        bytes.set(other, START);
        expect(check(memory).result).toBe("mismatch");
      }),
    );
  });
});
