import { writeBranch, writeNop } from "../../x86/code.ts";
import { BRANCH_LENGTH, CALL } from "../../x86/opcodes.ts";
import type { KernelState } from "../kernel_state.ts";
import type { WriteExpected } from "./site.ts";

/** The call to __fentry__ at rest: a nop. */
export const writeFtrace: WriteExpected = (_kernel, _site, _place, out, at) =>
  writeNop(out, at, BRANCH_LENGTH);

/** A call, to whatever trampoline, is somebody attached: state to report, the body is judged without it. */
export const isAttached = (found: Uint8Array, at: number): boolean => found[at] === CALL;

/**
 * The call in ftrace_caller and ftrace_regs_caller: of what the variable names (kernel/trace/ftrace.c,
 * ftrace_modify_all_code()).
 */
export const writeFtraceCall: WriteExpected = (kernel, _site, place, out, at) =>
  writeBranch(out, at, CALL, place, ftraceFunction(kernel));

/** Call depth tracking leads the call as linked to padding; ftrace, once it has written it, does not. */
export function isLedFtraceCall(kernel: KernelState, place: number, found: Uint8Array, at: number): boolean {
  const led = new Uint8Array(BRANCH_LENGTH);
  writeBranch(led, 0, CALL, place, kernel.callTarget(ftraceFunction(kernel)));
  return led.every((byte, i) => byte === found[at + i]);
}

const ftraceFunction = (kernel: KernelState): number =>
  kernel.pointer(kernel.patching("ftraceFunction")) ?? 0;
