import { writeBranch, writeNop, writeRelative, writeReturn } from "../../x86/code.ts";
import { BRANCH_LENGTH, CALL, JUMP } from "../../x86/opcodes.ts";
import type { KernelState } from "../kernel_state.ts";
import { writeReturnSite } from "./return_thunk.ts";
import type { WriteExpected } from "./site.ts";
import type { StaticCallSite } from "./site_kinds.ts";

// This is cs cs cs xorl %eax, %eax.
const RETURN_ZERO = Uint8Array.of(0x2e, 0x2e, 0x2e, 0x31, 0xc0);

/**
 * Writes what the key's pointer makes of a site (arch/x86/kernel/static_call.c, __static_call_transform()).
 */
export const writeStaticCall: WriteExpected<StaticCallSite> = (kernel, site, place, out, at) => {
  const target = kernel.pointer(site.key);
  if (site.form === "conditional") writeConditional(kernel, target, place, out, at);
  else if (site.form === "call") writeCall(kernel, target, place, out, at);
  else if (target !== null) writeBranch(out, at, JUMP, place, target);
  else writeReturnSite(kernel, site, place, out, at);
};

function writeCall(
  kernel: KernelState,
  target: number | null,
  place: number,
  out: Uint8Array,
  at: number,
): void {
  if (target === null) {
    writeNop(out, at, BRANCH_LENGTH);
    return;
  }
  const called = kernel.callTarget(target);
  const { returnZero, inlined } = kernel.patching("staticCalls");
  const code = called === returnZero ? RETURN_ZERO : inlined.find((one) => one.function === called)?.code;
  if (code === undefined) writeBranch(out, at, CALL, place, called);
  else out.set(code, at);
}

/**
 * Writes the operand of a conditional jump. `place` is that of the operand, which is relative to its own end.
 */
function writeConditional(
  kernel: KernelState,
  target: number | null,
  place: number,
  out: Uint8Array,
  at: number,
): void {
  const nowhere = kernel.returnThunk() ?? kernel.patching("staticCalls").return ?? 0;
  writeRelative(out, at, (target ?? nowhere) - place - 4);
}

/**
 * Tells whether a site that calls nothing may have kept the plain return that early boot wrote, before the
 * return thunk was known. Kernels without `reinitialised` never rewrite their sites; no kernel rewrites the
 * trampolines, except those linked as returns, which are in its table of returns.
 */
export function mayBePlainReturn(kernel: KernelState, site: StaticCallSite): boolean {
  if (kernel.pointer(site.key) !== null) return false;
  if (site.form === "trampoline") return !site.initiallyNull;
  return site.form === "tail" && !kernel.patching("staticCalls").reinitialised;
}

export function isPlainReturn(found: Uint8Array, at: number): boolean {
  const plain = new Uint8Array(BRANCH_LENGTH);
  writeReturn(plain, 0);
  return plain.every((byte, i) => byte === found[at + i]);
}
