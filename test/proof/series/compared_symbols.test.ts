import { describe, expect, it } from "vitest";
import type { KernelSymbol } from "../../../publisher/image/kallsyms.ts";
import type { Address } from "../../../shared/brand.ts";
import { comparedSymbols } from "./compared_symbols.ts";

const symbol = (name: string, type: string, address: bigint): KernelSymbol => ({
  name,
  type,
  address: address as Address,
});
const IMAGE = [
  symbol("per_cpu_start", "A", 0x10n),
  symbol("_text", "T", 0x1000n),
  symbol("one", "t", 0x1010n),
];
const RUNNING = "10 A per_cpu_start\n9000 T _text\n9010 t one\nc000 t other\t[module]\n";

describe("symbols of an image and of the running kernel", () => {
  it("are equal wherever the kernel runs, and modules do not count", () => {
    expect(comparedSymbols(IMAGE, RUNNING)).toEqual([]);
  });

  it.each([
    ["another name", RUNNING.replace("t one", "t two")],
    ["another type", RUNNING.replace("t one", "T one")],
    ["another address", RUNNING.replace("9010", "9011")],
    ["one more", RUNNING.replace("9010", "9010 t half\n9010")],
    ["no _text", RUNNING.replace("_text", "_start")],
  ])("differ by %s", (_, running) => {
    expect(comparedSymbols(IMAGE, running)).toHaveLength(1);
  });
});
