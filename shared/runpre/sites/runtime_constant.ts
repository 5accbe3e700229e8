import type { WriteExpected } from "./site.ts";
import { RUNTIME_MASK_LENGTH, type RuntimeConstantSite, type RuntimeMaskSite } from "./site_kinds.ts";

/** Writes the value of the variable (arch/x86/include/asm/runtime-const.h, 6.11 and later). */
export const writeRuntimeConstant: WriteExpected<RuntimeConstantSite> = (kernel, site, _place, out, at) =>
  out.set(kernel.variable(site.variable, site.length), at);

/** Writes the lower half of the variable (the same file, 7.3). */
export const writeRuntimeMask: WriteExpected<RuntimeMaskSite> = (kernel, { variable }, _place, out, at) =>
  out.set(kernel.variable(variable, RUNTIME_MASK_LENGTH), at);
