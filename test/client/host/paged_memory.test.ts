import { describe, expect, it } from "vitest";
import { PagedMemory } from "../../../client/host/paged_memory.ts";
import { address, textOffset } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { TextMemory } from "../../../shared/runpre/fingerprint.ts";

const PAGE = 4096;
const text = address(0xffff_ffff_8100_0000n);

/** Two pages and a half, and what was read of them. */
function memoryOf(bytes: Uint8Array): TextMemory & { readonly reads: [number, number][] } {
  const reads: [number, number][] = [];
  return {
    text,
    reads,
    read(offset, length) {
      reads.push([offset, length]);
      if (offset + length > bytes.length) throw new RebootlessError("unsupported", "no memory there");
      return bytes.subarray(offset, offset + length);
    },
  };
}
const bytes = Uint8Array.from({ length: 2.5 * PAGE }, (_, i) => i % 251);

describe("paged memory", () => {
  it("reads what lies together once, and keeps it as it was", () => {
    const memory = memoryOf(bytes.slice());
    const paged = new PagedMemory(memory);
    expect(paged.read(textOffset(8), 4)).toEqual(bytes.slice(8, 12));
    memory.read(textOffset(0), 1)[0] = 0xff;
    expect(paged.read(textOffset(0), 2)).toEqual(bytes.slice(0, 2));
    expect(paged.read(textOffset(PAGE - 1), 1)).toEqual(bytes.slice(PAGE - 1, PAGE));
    expect(memory.reads).toEqual([
      [0, PAGE],
      [0, 1],
    ]);
  });

  it("reads at once what no page has whole", () => {
    const memory = memoryOf(bytes);
    const paged = new PagedMemory(memory);
    expect(paged.read(textOffset(PAGE - 4), 8)).toEqual(bytes.slice(PAGE - 4, PAGE + 4));
    expect(memory.reads).toEqual([[PAGE - 4, 8]]);
  });

  it("reads the bytes before the end of memory, and says what is missing behind it", () => {
    const paged = new PagedMemory(memoryOf(bytes));
    expect(paged.read(textOffset(2 * PAGE + 8), 8)).toEqual(bytes.slice(2 * PAGE + 8, 2 * PAGE + 16));
    expect(() => paged.read(textOffset(3 * PAGE), 8)).toThrow("no memory there");
  });
});
