import { describe, expect, it } from "vitest";
import { between, patchOf, section } from "./unit_patch.ts";

/** An instruction of 4 bytes, and what replaces it on a CPU with feature 5; as a kernel since 6.3 has it. */
const ALTERNATIVE = `
#define ALTERNATIVE(replacement) asm volatile("1: nopl 8(%rax)\\n.pushsection .altinstr_replacement,\\"ax\\"\\n2: " replacement "\\n3: .popsection\\n.pushsection .altinstructions,\\"a\\"\\n.long 1b - ., 2b - .\\n.short 5, 0\\n.byte 4, 3b - 2b\\n.popsection")
`;
const f = (n: number): string =>
  `int f(int n) { ALTERNATIVE("nop"); ALTERNATIVE(""); return n + exported + ${n}; }`;
const g = `int g(int n) { ALTERNATIVE("pause"); ALTERNATIVE(""); return n - exported; }`;

describe("an instruction that is replaced by nothing", () => {
  it("stays the same although another replacement follows it", async () => {
    const found = await between(`${ALTERNATIVE}${f(1)} ${g}`, `${ALTERNATIVE}${g} ${f(1)}`);
    expect(found).toMatchObject({ kind: "unchanged" });
  });

  it("does not bring the replacement that follows it into the update", async () => {
    const patch = await patchOf(`${ALTERNATIVE}${f(1)} ${g}`, `${ALTERNATIVE}${f(2)} ${g}`);
    expect(patch.replaces.map(({ name }) => name)).toEqual(["f"]);
    expect(section(patch, ".altinstr_replacement")?.bytes).toEqual(Uint8Array.of(0x90));
  });
});
