import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { BRANCH_LENGTH } from "../../shared/x86/opcodes.ts";

const NOP5 = Uint8Array.of(0x0f, 0x1f, 0x44, 0x00, 0x00);

/** Returns true if the code starts with the 5-byte nop that Linux uses (nopl 0x0(%rax,%rax,1)). */
export const isNop5 = (code: Uint8Array): boolean => equalBytes(code.subarray(0, NOP5.length), NOP5);

/** Returns the target of a 5-byte call or jmp rel32 at `address`. */
export const branchTarget = (code: Uint8Array, address: bigint): bigint =>
  BigInt.asUintN(64, address + BigInt(BRANCH_LENGTH) + BigInt(new ByteReader(code, "branch", 1).s32()));
