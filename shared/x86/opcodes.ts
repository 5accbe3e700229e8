/*
 * The instructions and prefixes of x86-64 that a kernel writes into its own code, or that are looked for in it: opcodes
 * of the Intel SDM, volume 2, appendix A. `rel8` and `rel32` operands are relative to the end of the instruction.
 */

/** `call rel32`. */
export const CALL = 0xe8;
/** `jmp rel32`. */
export const JUMP = 0xe9;
/** The length in bytes of a call or a jump with a 32-bit operand. */
export const BRANCH_LENGTH = 5;
/** `jmp rel8`. */
export const SHORT_JUMP = 0xeb;
export const SHORT_JUMP_LENGTH = 2;
export const RETURN = 0xc3;
export const INT3 = 0xcc;
/** The nop of one byte. */
export const NOP = 0x90;
export const LOCK = 0xf0;
/**
 * The prefix before an indirect branch that was compiled for retpolines. It has no effect, and pads the
 * branch to 6 bytes.
 */
export const CS_PREFIX = 0x2e;
/** The first byte of two-byte opcodes. */
export const ESCAPE = 0x0f;
export const ENDBR64: readonly number[] = [0xf3, 0x0f, 0x1e, 0xfa];
export const LFENCE: readonly number[] = [0x0f, 0xae, 0xe8];

/** Tells whether an opcode is that of a conditional jump with a 32-bit operand (`jcc rel32`, 0f 80 to 0f 8f). */
export const isConditionalJump = (first: number, second: number): boolean =>
  first === ESCAPE && (second & 0xf0) === 0x80;
