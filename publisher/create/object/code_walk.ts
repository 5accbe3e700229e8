import { readUnsigned } from "../../../shared/x86/code.ts";
import { CALL, ESCAPE, isConditionalJump, JUMP, SHORT_JUMP } from "../../../shared/x86/opcodes.ts";
import { decodeInstruction, type Instruction } from "../../x86/length.ts";

/** An operand of a branch or of a memory access that is counted from the end of its instruction. */
export interface RelativeOperand {
  /** The offset of the field from the start of the code. */
  readonly at: number;
  readonly size: number;
  /** The offset of the end of its instruction. */
  readonly end: number;
  readonly isBranch: boolean;
  /** The target as the code has it. It has no meaning where a relocation fills in the field. */
  readonly target: number;
}

/**
 * Returns the relative operands of code, by the offset of their field. A compiler's code is instruction after
 * instruction; where it is not, the walk ends and later operands are missing.
 */
export function relativeOperands(code: Uint8Array): ReadonlyMap<number, RelativeOperand> {
  const operands = new Map<number, RelativeOperand>();
  for (let at = 0; at < code.length; ) {
    const instruction = instructionAt(code, at);
    if (instruction === undefined) break;
    const end = at + instruction.length;
    const { ripRelative, immediate } = instruction;
    for (const field of [ripRelative, isBranch(instruction) ? immediate : null]) {
      if (field === null) continue;
      const from = at + field.at;
      const target = end + signed(code, from, field.size);
      operands.set(from, { at: from, size: field.size, end, isBranch: field === immediate, target });
    }
    at = end;
  }
  return operands;
}

function instructionAt(code: Uint8Array, at: number): Instruction | undefined {
  try {
    return decodeInstruction(code, at);
  } catch {
    return undefined;
  }
}

/** Reports whether an instruction is a branch with a known distance: jcc, loop, jrcxz, call or jmp. */
function isBranch({ opcode: [first, second] }: Instruction): boolean {
  if (first === ESCAPE) return isConditionalJump(first, second);
  return (
    (first & 0xf0) === 0x70 ||
    (first >= 0xe0 && first <= 0xe3) ||
    first === SHORT_JUMP ||
    first === JUMP ||
    first === CALL
  );
}

function signed(code: Uint8Array, at: number, size: number): number {
  const shift = 32 - 8 * size;
  return (readUnsigned(code, at, size) << shift) >> shift;
}
