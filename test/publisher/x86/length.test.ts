import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeInstruction } from "../../../publisher/x86/length.ts";
import { joinNops, joinNopsEarly } from "../../../publisher/x86/nops.ts";
import { fromHex, toHex } from "../../../shared/bytes.ts";
import { ParseError } from "../../../shared/errors.ts";

const AFTER = "cccccccccccccccc";
const bytes = (hex: string): Uint8Array => fromHex(hex.replaceAll(" ", ""));

/*
 * Read off objdump. The decoder was compared with objdump over the whole text of Debian's 6.1.0-56 and 6.12.117:
 * 14,058,437 instructions, lengths and rip-relative operands without a difference.
 */
describe("the length of an instruction", () => {
  it.each([
    ["ret", "c3", 1],
    ["endbr64", "f3 0f 1e fa", 4],
    ["lock cmpxchg16b %gs:(%rsi)", "65 f0 48 0f c7 0e", 6],
    ["mov $imm64,%rax", "48 b8 ef cd ab 89 67 45 23 01", 10],
    ["mov $imm32,%eax", "b8 01 00 00 00", 5],
    ["mov $imm16,%ax", "66 b8 01 00", 4],
    ["movabs moffs64,%al", "a0 01 02 03 04 05 06 07 08", 9],
    ["test $imm8,(%rax)", "f6 00 01", 3],
    ["not (%rax)", "f6 10", 2],
    ["test $imm32,(%rax)", "f7 00 01 00 00 00", 6],
    ["mov 0x8(%rax,%rbx,1),%rcx", "48 8b 4c 18 08", 5],
    ["mov 0x0(,%rbx,8),%rcx", "48 8b 0c dd 00 00 00 00", 8],
    ["jne rel32", "0f 85 01 02 03 04", 6],
    ["jmp rel8", "eb 01", 2],
    ["enter", "c8 01 00 02", 4],
    ["pshufb", "66 0f 38 00 c1", 5],
    ["palignr", "66 0f 3a 0f c1 08", 6],
    ["vpshufb (VEX, map 2)", "c4 e2 79 00 c1", 5],
    ["vpalignr (VEX, map 3)", "c4 e3 79 0f c1 08", 6],
    ["vmovdqa (VEX of 2 bytes)", "c5 f9 6f c1", 4],
    ["vzeroupper", "c5 f8 77", 3],
    ["vpxorq (EVEX)", "62 f1 fd 48 ef c1", 6],
    ["ud1", "0f b9 cc", 3],
  ])("%s", (_, hex, length) => {
    expect(decodeInstruction(bytes(hex + AFTER), 0).length).toBe(length);
  });

  it.each([
    ["call *X(%rip)", "ff 15 01 00 00 00", { at: 2, size: 4 }, null],
    ["testb $imm8,X(%rip)", "f6 05 01 00 00 00 40", { at: 2, size: 4 }, { at: 6, size: 1 }],
    ["sarq $5,%gs:X(%rip)", "65 48 c1 3d 01 00 00 00 05", { at: 4, size: 4 }, { at: 8, size: 1 }],
    ["mov %gs:X,%rax", "65 48 8b 04 25 01 00 00 00", null, null],
    ["call rel32", "e8 01 00 00 00", null, { at: 1, size: 4 }],
  ])("operands of %s", (_, hex, ripRelative, immediate) => {
    expect(decodeInstruction(bytes(hex), 0)).toMatchObject({ ripRelative, immediate });
  });

  it.each([
    ["nothing", ""],
    ["a prefix alone", "66"],
    ["a cut operand", "e8 01 00 00"],
    ["an invalid opcode", "06"],
    ["16 prefixes", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90"],
  ])("is refused for %s", (_, hex) => {
    expect(() => decodeInstruction(bytes(hex), 0)).toThrow(ParseError);
  });

  it("is 1 to 15 or a ParseError for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (code) => {
        try {
          const { length } = decodeInstruction(code, 0);
          expect(length).toBeGreaterThan(0);
          expect(length).toBeLessThanOrEqual(15);
        } catch (error) {
          expect(error).toBeInstanceOf(ParseError);
        }
      }),
    );
  });
});

describe("nops", () => {
  const joined = (join: (code: Uint8Array) => void, hex: string): string => {
    const code = bytes(hex);
    join(code);
    return toHex(code);
  };

  it.each([
    ["one stays", "c3 90", "c3 90"],
    ["three become one", "0f 01 ca 90 90 90", "0f 01 ca 0f 1f 00"],
    ["nine become eight and one", "90 90 90 90 90 90 90 90 90", "0f 1f 84 00 00 00 00 00 90"],
    ["within an operand they stay", "b8 90 90 90 90 90 90", "b8 90 90 90 90 66 90"],
    ["what follows no instruction stays", "06 90 90", "06 90 90"],
  ])("in early kernels: %s", (_, from, to) => {
    expect(joined(joinNopsEarly, from)).toBe(to.replaceAll(" ", ""));
  });

  it.each([
    ["a single last one stays", "0f 01 ca 90", "0f 01 ca 90"],
    ["of any length are joined", "66 90 90 0f 1f 00 c3", "66 0f 1f 44 00 00 c3"],
    ["pause is none", "f3 90 90 90", "f3 90 66 90"],
    ["eleven fit", "90".repeat(11), "6666 2e 0f1f84 0000000000"],
    ["twelve are jumped over", "90".repeat(12), `eb0a${"cc".repeat(10)}`],
    ["and many more too", "90".repeat(200), `e9c3000000${"cc".repeat(195)}`],
  ])("in later kernels: %s", (_, from, to) => {
    expect(joined(joinNops, from)).toBe(to.replaceAll(" ", ""));
  });
});
