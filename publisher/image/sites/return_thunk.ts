import { BRANCH_LENGTH, JUMP } from "../../../shared/x86/opcodes.ts";
import { branchTarget } from "../../x86/branch.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/**
 * Finds the return instructions, which are linked as jumps to __x86_return_thunk. A site that is anything
 * else (a conditional jump, say) is not understood.
 */
export function returnThunkSites(sources: SiteSources): readonly PatchSite[] {
  const thunk = sources.symbols.only("__x86_return_thunk")?.address;
  return relativeTargets(sectionTable(sources, ".return_sites"), ".return_sites").map(
    (address): PatchSite => {
      const code = codeAt(sources, address, BRANCH_LENGTH);
      const at = siteOffset(sources, address);
      const isPlain = code[0] === JUMP && thunk !== undefined && branchTarget(code, address) === thunk;
      return isPlain
        ? { kind: "return_thunk", at }
        : { kind: "unknown", table: "return_thunk", at, length: BRANCH_LENGTH };
    },
  );
}
