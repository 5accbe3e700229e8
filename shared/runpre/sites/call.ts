import { readUnsigned, writeRelative } from "../../x86/code.ts";
import type { KernelState } from "../kernel_state.ts";
import { CALL_DEPTH_CODE } from "../landmarks.ts";

/**
 * Moves the operand of a call in place, or back with direction -1: while call depth is tracked, the call goes
 * to the code in the padding before its function (arch/x86/kernel/callthunks.c, patch_call()).
 */
export function retarget(kernel: KernelState, code: Uint8Array, at: number, direction: 1 | -1): void {
  if (!kernel.tracksCallDepth()) return;
  writeRelative(code, at + 1, readUnsigned(code, at + 1, 4) - direction * CALL_DEPTH_CODE);
}
