import type { KernelState } from "../kernel_state.ts";
import { addInPlace } from "./relocation.ts";
import type { MovedCallSite, MovedSite } from "./site_kinds.ts";

const OPERAND = 1;

/**
 * Moves a value of a module, in place, to where the module and what the value refers to lie, or back with
 * direction -1.
 */
export function move(
  kernel: KernelState,
  { length, base, relative }: MovedSite,
  code: Uint8Array,
  at: number,
  direction: 1 | -1,
): void {
  addInPlace(code, at, length, direction * kernel.moved(base, relative));
}

/** Does the same for the operand of a call. */
export function moveCall(
  kernel: KernelState,
  { base }: MovedCallSite,
  code: Uint8Array,
  at: number,
  direction: 1 | -1,
): void {
  addInPlace(code, at + OPERAND, 4, direction * kernel.moved(base, true));
}
