import { describe, expect, it } from "vitest";
import { EARLY_STYLE, RELOCATING_STYLE } from "../../../publisher/image/sites/alternative_code.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";

/** The replacement moved by `distance`, and padded. */
function moved(style: typeof EARLY_STYLE, hex: string, padding: number, distance: number): string {
  const replacement = fromHex(hex.replaceAll(" ", ""));
  const code = new Uint8Array(replacement.length + padding).fill(0x90);
  code.set(replacement);
  style.move(code, replacement.length, distance);
  style.joinNops(code);
  return toHex(code);
}

describe("the replacement of an alternative", () => {
  it.each([
    ["a call keeps its target", "e8 00 01 00 00", 0, 0x1000, "e800110000"],
    ["a jump keeps its target", "e9 00 01 00 00", 1, 0x1000, "e90011000090"],
    ["a near jump forward becomes short", "e9 00 00 00 00", 0, 0x20, "eb230f1f00"],
    ["a near jump backward stays long", "e9 00 00 00 00", 0, -0x20, "e9e0ffffff"],
    ["any other operand is copied", "48 8b 05 00 01 00 00", 0, 0x1000, "488b0500010000"],
  ])("in early kernels: %s", (_, hex, padding, distance, expected) => {
    expect(moved(EARLY_STYLE, hex, padding, distance)).toBe(expected);
  });

  it.each([
    ["a call keeps its target", "e8 00 01 00 00", 0, 0x1000, "e800110000"],
    ["also after other code", "0f 01 ca e8 00 01 00 00", 0, 0x1000, "0f01cae800110000"],
    ["a near jump becomes short", "e9 00 01 00 00", 0, -0x110, "ebf3cccccc"],
    ["a conditional jump out keeps its target", "0f 84 00 01 00 00", 0, 0x1000, "0f8400110000"],
    ["a jump within stays", "eb 01 90 c3", 0, 0x1000, "eb0190c3"],
    ["a variable keeps its place", "48 8b 05 00 01 00 00", 0, 0x1000, "488b0500110000"],
  ])("in later kernels: %s", (_, hex, padding, distance, expected) => {
    expect(moved(RELOCATING_STYLE, hex, padding, distance)).toBe(expected);
  });

  it("is refused when an operand no longer reaches", () => {
    expect(() => moved(RELOCATING_STYLE, "eb 70", 0, 0x1000)).toThrow(
      expect.objectContaining({ code: "parse" }),
    );
  });
});
