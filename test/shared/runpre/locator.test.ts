import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quotientPower, timesPower } from "../../../shared/runpre/gf256.ts";
import {
  BLOCK,
  FOLDED_BLOCK,
  foldLocator,
  locate,
  locatorLength,
  locatorOf,
} from "../../../shared/runpre/locator.ts";

/** Multiplication by repeated doubling: the definition, against which the tables are checked. */
function slowTimesPower(byte: number, power: number): number {
  let value = byte;
  for (let i = 0; i < power; i++) value = value & 0x80 ? ((value << 1) ^ 0x11d) & 0xff : value << 1;
  return value;
}

describe("the field of 256 elements", () => {
  it("multiplies as defined, and divides back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), fc.nat(254), (byte, power) => {
        expect(timesPower(byte, power)).toBe(slowTimesPower(byte, power));
        expect(quotientPower(timesPower(byte, power), byte)).toBe(power);
      }),
    );
    expect(timesPower(0, 7)).toBe(0);
  });
});

describe("the locator", () => {
  it("has two bytes for each block", () => {
    expect(locatorOf(new Uint8Array())).toHaveLength(0);
    expect(locatorOf(new Uint8Array(BLOCK + 1))).toHaveLength(4);
    expect(locatorLength(2 * BLOCK)).toBe(4);
    // s0 = 1 ^ 2 ^ 4, s1 = 1 ^ 2*2 ^ 4*4
    expect(locatorOf(Uint8Array.of(1, 2, 4))).toEqual(Uint8Array.of(7, 21));
  });

  it("finds one changed byte in each block, and its value", () => {
    const bodies = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(bodies, fc.nat(), fc.integer({ min: 1, max: 255 }), (body, place, change) => {
        const changed = body.slice();
        const at = place % body.length;
        changed[at] = (changed[at] ?? 0) ^ change;
        const found = { corrected: body, changed: [at], damaged: [] };
        expect(locate(changed, locatorOf(body))).toMatchObject(found);
        expect(locate(changed, foldLocator(locatorOf(body)))).toMatchObject(found);
      }),
    );
  });

  it("folds to what it would be of larger blocks", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3 * FOLDED_BLOCK }), (body) => {
        expect(foldLocator(locatorOf(body))).toEqual(locatorOf(body, FOLDED_BLOCK));
        expect(locatorLength(body.length, FOLDED_BLOCK)).toBe(locatorOf(body, FOLDED_BLOCK).length);
      }),
    );
  });

  it("names the block when two bytes of it changed so that no one place explains it", () => {
    const body = new Uint8Array(3 * BLOCK);
    const changed = body.slice();
    changed[BLOCK] = 5;
    changed[BLOCK + 9] = 5;
    expect(locate(changed, locatorOf(body))).toMatchObject({ changed: [], damaged: [BLOCK], block: BLOCK });
  });
});
