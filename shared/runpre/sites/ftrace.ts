import { writeBranch, writeNop } from "../../x86/code.ts";
import { BRANCH_LENGTH, CALL } from "../../x86/opcodes.ts";
import type { KernelState } from "../kernel_state.ts";
import type { WriteExpected } from "./site.ts";

/** Writes the call to __fentry__ at rest, which is a nop. */
export const writeFtrace: WriteExpected = (_kernel, _site, _place, out, at) =>
  writeNop(out, at, BRANCH_LENGTH);

/**
 * Tells whether something is attached, which is a call to any trampoline. This is reported; the body is
 * checked without it.
 */
export const isAttached = (found: Uint8Array, at: number): boolean => found[at] === CALL;

/**
 * Writes the call in ftrace_caller and ftrace_regs_caller, whose target the variable names
 * (kernel/trace/ftrace.c, ftrace_modify_all_code()).
 */
export const writeFtraceCall: WriteExpected = (kernel, _site, place, out, at) =>
  writeBranch(out, at, CALL, place, ftraceFunction(kernel));

/**
 * Tells whether the call goes where call depth tracking sends it. The tracking redirects the call as linked
 * to padding; ftrace, once it has written the call, does not.
 */
export function isLedFtraceCall(kernel: KernelState, place: number, found: Uint8Array, at: number): boolean {
  const led = new Uint8Array(BRANCH_LENGTH);
  writeBranch(led, 0, CALL, place, kernel.callTarget(ftraceFunction(kernel)));
  return led.every((byte, i) => byte === found[at + i]);
}

const ftraceFunction = (kernel: KernelState): number =>
  kernel.pointer(kernel.patching("ftraceFunction")) ?? 0;
