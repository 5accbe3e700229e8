import { writeJump, writeNop } from "../../x86/code.ts";
import type { WriteExpected } from "./site.ts";
import type { JumpLabelSite } from "./site_kinds.ts";

/** A jump or a nop: the count in the key says (kernel/jump_label.c, jump_label_type()). */
export const writeJumpLabel: WriteExpected<JumpLabelSite> = (kernel, site, _place, out, at) => {
  // The count is -1 while the key is being turned on, which makes it enabled already.
  const enabled = kernel.int32(site.key) !== 0;
  if (enabled !== site.branch) writeJump(out, at, site.length, site.target);
  else writeNop(out, at, site.length);
};
