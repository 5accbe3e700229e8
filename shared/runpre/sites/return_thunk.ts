import { writeBranch, writeReturn } from "../../x86/code.ts";
import { JUMP } from "../../x86/opcodes.ts";
import type { WriteExpected } from "./site.ts";

// With Indirect Target Selection only returns in the lower half of a 64-byte cache line are unsafe
// (Linux, arch/x86/kernel/alternative.c, cpu_wants_rethunk_at()). KASLR moves by 2 MiB and keeps the bit.
const UPPER_HALF = 0x20;

/**
 * Writes a plain `ret`, or a jump to the thunk in force. The kernel's own variable tells which, so one value
 * is allowed.
 */
export const writeReturnSite: WriteExpected = (kernel, site, place, out, at) => {
  const thunk = kernel.returnThunk();
  const half = (place & UPPER_HALF) ^ (site.kind === "return_thunk_moved" ? UPPER_HALF : 0);
  const isSafe = thunk === kernel.landmarks.returnThunkIts && half !== 0;
  if (thunk === null || isSafe) writeReturn(out, at);
  else writeBranch(out, at, JUMP, place, thunk);
};
