import { counted } from "../../../shared/counted.ts";
import { ParseError } from "../../../shared/errors.ts";
import { readUnsigned, writeRelative } from "../../../shared/x86/code.ts";
import {
  BRANCH_LENGTH,
  CALL,
  ESCAPE,
  INT3,
  isConditionalJump,
  JUMP,
  SHORT_JUMP,
  SHORT_JUMP_LENGTH,
} from "../../../shared/x86/opcodes.ts";
import { decodeInstruction, type Instruction, type OperandField } from "../../x86/length.ts";
import { fillEarly, joinNops, joinNopsEarly } from "../../x86/nops.ts";

/*
 * This file makes the code that the kernel writes when it applies an alternative: the replacement, padded with
 * nops, with operands changed so that they mean the same in their new place as in the old one. Linux has two
 * ways, which are told apart by content:
 *
 * - early (to 6.4): only a replacement that is one call or jump is changed; runs of nops are joined to 8 bytes at
 *   most;
 * - relocating (since 6.7, `text_poke_apply_relocation` or `apply_relocation`): every relative operand is changed.
 */

/** The way in which a kernel applies its alternatives. */
export interface AlternativeStyle {
  /**
   * Moves the replacement to its place. `code` is the replacement padded with single-byte nops; it is changed
   * in place.
   */
  move(code: Uint8Array, replacementLength: number, distance: number): void;
  /** Joins nops in place. The kernel does so also where it leaves the code as linked. */
  joinNops(code: Uint8Array): void;
}

/** The early style: arch/x86/kernel/alternative.c, 6.1, apply_alternatives(), recompute_jump(). */
export const EARLY_STYLE: AlternativeStyle = {
  move(code, replacementLength, distance) {
    if (replacementLength !== BRANCH_LENGTH || (code[0] !== CALL && code[0] !== JUMP)) return;
    const operand = (readUnsigned(code, 1, 4) | 0) + distance;
    const target = operand + BRANCH_LENGTH;
    // The kernel's test for a short jump fails for every backward one.
    if (code[0] === JUMP && target >= 0 && target - SHORT_JUMP_LENGTH <= 127) {
      code[0] = SHORT_JUMP;
      code[1] = target - SHORT_JUMP_LENGTH;
      fillEarly(code, SHORT_JUMP_LENGTH, BRANCH_LENGTH);
      return;
    }
    writeRelative(code, 1, operand);
  },
  joinNops: joinNopsEarly,
};

/** The relocating style: arch/x86/kernel/alternative.c, 6.12, __apply_relocation(). */
export const RELOCATING_STYLE: AlternativeStyle = {
  move(code, replacementLength, distance) {
    for (let at = 0; at < code.length; ) {
      const instruction = decodeInstruction(code, at);
      moveInstruction(code, at, instruction, replacementLength, distance);
      at += instruction.length;
    }
  },
  joinNops,
};

function moveInstruction(
  code: Uint8Array,
  at: number,
  instruction: Instruction,
  replacementLength: number,
  distance: number,
): void {
  const next = at + instruction.length;
  const { ripRelative, immediate, opcode } = instruction;
  const isInside = (operand: number): boolean => next + operand >= 0 && next + operand <= replacementLength;
  if (immediate !== null && isRelativeBranch(opcode)) {
    const operand = readSigned(code, at, immediate);
    // The kernel adds the distance to a jump that it shortens, even if it leaves the long operand as it is.
    if (!isInside(operand)) writeSigned(code, at, immediate, operand + distance);
    const short = operand + distance + BRANCH_LENGTH - SHORT_JUMP_LENGTH;
    if (opcode[0] === JUMP && short === (short << 24) >> 24) {
      code.fill(INT3, at, next);
      code[at] = SHORT_JUMP;
      code[at + 1] = short;
    }
  }
  if (ripRelative !== null) {
    const operand = readSigned(code, at, ripRelative);
    if (!isInside(operand)) writeSigned(code, at, ripRelative, operand + distance);
  }
}

function isRelativeBranch([first, second]: Instruction["opcode"]): boolean {
  if (first === ESCAPE) return isConditionalJump(first, second);
  return (first & 0xf0) === 0x70 || first === SHORT_JUMP || first === JUMP || first === CALL;
}

function readSigned(code: Uint8Array, start: number, { at, size }: OperandField): number {
  const shift = 32 - 8 * size;
  return (readUnsigned(code, start + at, size) << shift) >> shift;
}

function writeSigned(code: Uint8Array, start: number, { at, size }: OperandField, value: number): void {
  if (size !== 4 && (size !== 1 || value !== (value << 24) >> 24)) {
    throw new ParseError(`a replacement's operand of ${counted(size, "byte")} does not reach its target`);
  }
  if (size === 4) writeRelative(code, start + at, value);
  else code[start + at] = value;
}
