import { readUnsigned } from "../../../shared/x86/code.ts";
import { CALL, ESCAPE, isConditionalJump, JUMP, SHORT_JUMP } from "../../../shared/x86/opcodes.ts";
import { decodeInstruction, type Instruction } from "../../x86/length.ts";

/** An operand that is counted from the end of its instruction: of a branch, or of an access to memory. */
export interface RelativeOperand {
  /** The field, from the start of the code. */
  readonly at: number;
  readonly size: number;
  /** Where its instruction ends. */
  readonly end: number;
  readonly isBranch: boolean;
  /** As it stands in the code: without a meaning where a relocation fills it in. */
  readonly target: number;
}

/**
 * The relative operands of code, by the place of their field. Code of a compiler is instruction after instruction;
 * where it is not, the walk ends and later operands are missing.
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

/** Of a known distance: jcc, loop and jrcxz, call, jmp. */
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
