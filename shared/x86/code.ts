import { BRANCH_LENGTH, INT3, JUMP, NOP, RETURN, SHORT_JUMP, SHORT_JUMP_LENGTH } from "./opcodes.ts";

/** Reads a little-endian number of 1 to 6 bytes. */
export function readUnsigned(code: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (code[at + i] ?? 0);
  return value;
}

/** Reads a little-endian signed number of 4 bytes. */
export const readSigned32 = (code: Uint8Array, at: number): number =>
  (code[at] ?? 0) | ((code[at + 1] ?? 0) << 8) | ((code[at + 2] ?? 0) << 16) | ((code[at + 3] ?? 0) << 24);

/** Writes the low 32 bits of an integer (exact to 2^53), little-endian. */
export function writeRelative(code: Uint8Array, at: number, value: number): void {
  const low = value | 0;
  code[at] = low;
  code[at + 1] = low >> 8;
  code[at + 2] = low >> 16;
  code[at + 3] = low >> 24;
}

/** Writes a call or jump with a 32-bit operand, 5 bytes. `place` and `target` count from the same origin. */
export function writeBranch(
  out: Uint8Array,
  at: number,
  opcode: number,
  place: number,
  target: number,
): void {
  out[at] = opcode;
  writeRelative(out, at + 1, target - place - BRANCH_LENGTH);
}

/** Writes a jump of 2 or 5 bytes. `target` counts from the jump's own start. */
export function writeJump(out: Uint8Array, at: number, length: 2 | 5, target: number): void {
  if (length === BRANCH_LENGTH) {
    writeBranch(out, at, JUMP, 0, target);
  } else {
    out[at] = SHORT_JUMP;
    out[at + 1] = target - SHORT_JUMP_LENGTH;
  }
}

/** Writes `ret`, filled with int3 to 5 bytes, as arch/x86/kernel/alternative.c, patch_return(), does. */
export function writeReturn(out: Uint8Array, at: number): void {
  out[at] = RETURN;
  for (let i = 1; i < BRANCH_LENGTH; i++) out[at + i] = INT3;
}

// These are the nops of arch/x86/include/asm/nops.h. Kernels before 6.5 stop at 8.
const NOPS: readonly (readonly number[])[] = [
  [],
  [NOP],
  [0x66, NOP],
  [0x0f, 0x1f, 0x00],
  [0x0f, 0x1f, 0x40, 0],
  [0x0f, 0x1f, 0x44, 0, 0],
  [0x66, 0x0f, 0x1f, 0x44, 0, 0],
  [0x0f, 0x1f, 0x80, 0, 0, 0, 0],
  [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
  [0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
  [0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
  [0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
];
export const LONGEST_NOP = NOPS.length - 1;

/** Writes one nop instruction of `length` bytes, at most LONGEST_NOP. */
export function writeNop(out: Uint8Array, at: number, length: number): void {
  const nop = NOPS[length] ?? NOPS[0];
  for (let i = 0; i < length; i++) out[at + i] = nop?.[i] ?? 0;
}
