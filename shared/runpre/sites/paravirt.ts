import { writeBranch, writeNop } from "../../x86/code.ts";
import { BRANCH_LENGTH, CALL } from "../../x86/opcodes.ts";
import type { WriteExpected } from "./site.ts";
import type { ParavirtSite } from "./site_kinds.ts";

/**
 * Writes a direct call of the function that the pointer in pv_ops names, or nops if that function does
 * nothing (arch/x86/kernel/paravirt.c, paravirt_patch() (6.1), alternative.c, alt_replace_call() (6.12)).
 */
export const writeParavirt: WriteExpected<ParavirtSite> = (kernel, site, place, out, at) => {
  const { nop, bug } = kernel.patching("paravirt");
  const target = kernel.pointer(site.pointer) ?? bug;
  if (target === nop) {
    writeNop(out, at, site.length);
  } else {
    writeBranch(out, at, CALL, place, kernel.directCallTarget(target));
    writeNop(out, at + BRANCH_LENGTH, site.length - BRANCH_LENGTH);
  }
};
