import { describe, expect, it } from "vitest";
import { counted } from "../../shared/counted.ts";

describe("a count of things", () => {
  it.each<[number | bigint, string, string | undefined, string]>([
    [0, "kernel", undefined, "0 kernels"],
    [1, "kernel", undefined, "1 kernel"],
    [2, "kernel", undefined, "2 kernels"],
    [1n, "byte", undefined, "1 byte"],
    [1, "entry", "entries", "1 entry"],
    [20_000, "entry", "entries", "20000 entries"],
  ])("%s of %j reads well", (count, noun, many, text) => {
    expect(counted(count, noun, many)).toBe(text);
  });
});
