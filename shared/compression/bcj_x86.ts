import { readUnsigned, writeRelative } from "../x86/code.ts";
import { CALL } from "../x86/opcodes.ts";

const OPERAND_LENGTH = 5;
// Both tables are indexed by which of the three bytes before are branch opcodes: they tell whether a branch
// can start here at all, and which byte the two would share.
const ALLOWED = [true, true, true, false, true, false, false, false] as const;
const SHARED = [0, 1, 2, 2, 3, 3, 3, 3] as const;

const isSignByte = (byte: number | undefined): boolean => byte === 0 || byte === 0xff;

/**
 * Undoes the x86 filter of the xz format in place. The filter made the operands of calls and jumps absolute,
 * which compresses better (xz format 1.1, 5.3.2; what counts as a branch follows the x86 converter of the
 * LZMA SDK).
 */
export function undoBcjX86(bytes: Uint8Array): void {
  let before = -1;
  let mask = 0;
  for (let at = 0; at + OPERAND_LENGTH <= bytes.length; at++) {
    if (((bytes[at] ?? 0) & 0xfe) !== CALL) continue; // JUMP is one more
    const distance = at - before;
    before = at;
    mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
    const shared = mask === 0 ? undefined : bytes[at + 4 - (SHARED[mask] ?? 0)];
    const isBranch = mask === 0 || (ALLOWED[mask] && !isSignByte(shared));
    if (!isBranch || !isSignByte(bytes[at + 4])) {
      mask = (mask << 1) | 1;
      continue;
    }
    writeOperand(bytes, at, mask);
    at += OPERAND_LENGTH - 1;
  }
}

function writeOperand(bytes: Uint8Array, at: number, mask: number): void {
  let absolute = readUnsigned(bytes, at + 1, 4);
  let relative = (absolute - at - OPERAND_LENGTH) >>> 0;
  const bit = (SHARED[mask] ?? 0) * 8;
  while (mask !== 0 && isSignByte((relative >>> (24 - bit)) & 0xff)) {
    absolute = (relative ^ (2 ** (32 - bit) - 1)) >>> 0;
    relative = (absolute - at - OPERAND_LENGTH) >>> 0;
  }
  relative &= 0x1ff_ffff;
  writeRelative(bytes, at + 1, relative & 0x100_0000 ? relative - 0x200_0000 : relative);
}
