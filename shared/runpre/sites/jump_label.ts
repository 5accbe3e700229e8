import { writeJump, writeNop } from "../../x86/code.ts";
import type { WriteExpected } from "./site.ts";
import type { JumpLabelSite } from "./site_kinds.ts";

/** Writes a jump or a nop, as the count in the key tells (kernel/jump_label.c, jump_label_type()). */
export const writeJumpLabel: WriteExpected<JumpLabelSite> = (kernel, site, _place, out, at) => {
  // The count is -1 while the key is being turned on, and it already counts as enabled then.
  const enabled = kernel.int32(site.key) !== 0;
  if (enabled !== site.branch) writeJump(out, at, site.length, site.target);
  else writeNop(out, at, site.length);
};
