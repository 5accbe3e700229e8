import { describe, expect, it } from "vitest";
import { TextWindow } from "../../../client/host/text_window.ts";
import { address, textOffset } from "../../../shared/brand.ts";
import type { TextMemory } from "../../../shared/runpre/fingerprint.ts";

const SIZE = 3 * 1024 * 1024;

function memory(): { readonly reads: [number, number][]; readonly memory: TextMemory } {
  const reads: [number, number][] = [];
  const read: TextMemory["read"] = (offset, length) => {
    if (offset + length > SIZE) throw new Error("past the end");
    reads.push([offset, length]);
    return Uint8Array.from({ length }, (_, i) => ((offset + i) * 7) & 0xff);
  };
  return { reads, memory: { text: address(0xffff_ffff_8100_0000n), read } };
}

describe("a window on the text", () => {
  it("reads once what is gone through, and nothing past the end", () => {
    const { reads, memory: under } = memory();
    const window = new TextWindow(under, SIZE);
    for (let at = 0; at < SIZE; at += 4096) {
      window.advance(textOffset(at), 4096);
      expect(window.read(textOffset(at + 1), 3)).toEqual(
        Uint8Array.of((at + 1) * 7, (at + 2) * 7, (at + 3) * 7),
      );
    }
    expect(reads).toEqual([0, 1, 2].map((i) => [i << 20, 1 << 20]));
  });

  it("holds a function that is larger than itself", () => {
    const { reads, memory: under } = memory();
    const window = new TextWindow(under, SIZE);
    window.advance(textOffset(16), 2 << 20);
    expect(window.read(textOffset(16), 2 << 20)).toHaveLength(2 << 20);
    expect(reads).toEqual([[16, 2 << 20]]);
  });

  it("lets what lies elsewhere be read by itself, and stays where it is", () => {
    const { reads, memory: under } = memory();
    const window = new TextWindow(under, 4096);
    window.advance(textOffset(0), 64);
    expect(window.read(textOffset(SIZE - 8), 8)).toHaveLength(8);
    expect(window.read(textOffset(4000), 96)).toHaveLength(96);
    expect(reads).toEqual([
      [0, 4096],
      [SIZE - 8, 8],
    ]);
  });
});
