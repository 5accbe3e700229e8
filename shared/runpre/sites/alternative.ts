import type { KernelState } from "../kernel_state.ts";
import type { AlternativeForm } from "./site_kinds.ts";

/** Returns the first form whose condition the boot CPU meets. */
export function chooseForm(kernel: KernelState, forms: readonly AlternativeForm[]): AlternativeForm {
  for (const form of forms) {
    const { condition } = form;
    if (condition === null || kernel.has(condition.feature) === condition.present) return form;
  }
  throw new RangeError("an alternative without an unconditional form");
}
