import { ParseError } from "../../shared/errors.ts";
import { LONGEST_NOP, writeNop, writeRelative } from "../../shared/x86/code.ts";
import {
  BRANCH_LENGTH,
  ESCAPE,
  INT3,
  JUMP,
  NOP,
  SHORT_JUMP,
  SHORT_JUMP_LENGTH,
} from "../../shared/x86/opcodes.ts";
import { decodeInstruction, type Instruction } from "./length.ts";

/** The length in bytes of the longest nop instruction that kernels before 6.5 use. */
export const LONGEST_EARLY_NOP = 8;

const REPEAT = 0xf3;

/**
 * Joins runs of single-byte nops in place, as kernels before 6.5 do: optimize_nops() in alternative.c (6.1). It stops at
 * the first byte that does not start an instruction.
 */
export function joinNopsEarly(code: Uint8Array): void {
  for (let at = 0; at < code.length; ) {
    const instruction = tryDecode(code, at);
    if (instruction === undefined) return;
    if (instruction.length !== 1 || code[at] !== NOP) {
      at += instruction.length;
      continue;
    }
    const end = endOfRun(code, at);
    if (end - at > 1) fillEarly(code, at, end);
    at = end;
  }
}

function endOfRun(code: Uint8Array, at: number): number {
  let end = at;
  while (end < code.length && code[end] === NOP) end++;
  return end;
}

/** Fills [from, to) with nops of 8 bytes and a shorter one at the end: add_nops() in alternative.c (6.1). */
export function fillEarly(code: Uint8Array, from: number, to: number): void {
  for (let at = from; at < to; at += LONGEST_EARLY_NOP) {
    writeNop(code, at, Math.min(LONGEST_EARLY_NOP, to - at));
  }
}

/** Joins neighbouring nops of any length in place, as kernels since 6.5 do: optimize_nops() in alternative.c (6.12). */
export function joinNops(code: Uint8Array): void {
  for (let at = 0; at < code.length; ) {
    const instruction = tryDecode(code, at);
    if (instruction === undefined) return;
    let next = at + instruction.length;
    if (isNop(code, at, instruction)) {
      if (next === code.length) return;
      next = skipNops(code, next);
      fill(code, at, next);
    }
    at = next;
  }
}

function skipNops(code: Uint8Array, from: number): number {
  let at = from;
  while (at < code.length) {
    const instruction = tryDecode(code, at);
    if (instruction === undefined || !isNop(code, at, instruction)) break;
    at += instruction.length;
  }
  return at;
}

function isNop(code: Uint8Array, at: number, { opcode, prefixes }: Instruction): boolean {
  if (opcode[0] === NOP) return prefixes === 0 || code[at] !== REPEAT;
  return opcode[0] === ESCAPE && opcode[1] === 0x1f;
}

/** Writes one nop, or a jump over int3 if the nop would be too long: add_nop() in alternative.c (6.12). */
function fill(code: Uint8Array, from: number, to: number): void {
  const length = to - from;
  code.fill(INT3, from, to);
  if (length <= LONGEST_NOP) {
    writeNop(code, from, length);
  } else if (length < 128) {
    code[from] = SHORT_JUMP;
    code[from + 1] = length - SHORT_JUMP_LENGTH;
  } else {
    code[from] = JUMP;
    writeRelative(code, from + 1, length - BRANCH_LENGTH);
  }
}

function tryDecode(code: Uint8Array, at: number): Instruction | undefined {
  try {
    return decodeInstruction(code, at);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}
