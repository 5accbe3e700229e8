import type { WriteExpected } from "./site.ts";
import type { RuntimeConstantSite } from "./site_kinds.ts";

/** Writes the value of the variable (arch/x86/include/asm/runtime-const.h, 6.11 and later). */
export const writeRuntimeConstant: WriteExpected<RuntimeConstantSite> = (kernel, site, _place, out, at) =>
  out.set(kernel.variable(site.variable, site.length), at);
