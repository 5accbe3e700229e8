import { SITE_LENGTH } from "../../../shared/runpre/fingerprint.ts";
import { branchTarget } from "../../x86/branch.ts";
import type { PatchSite } from "../patch_sites.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const LENGTH = SITE_LENGTH.return_thunk;

/** Returns, linked as jumps to __x86_return_thunk. A site that is anything else (a conditional jump, say) is not understood. */
export function returnThunkSites(sources: SiteSources): readonly PatchSite[] {
  const thunk = sources.symbols.only("__x86_return_thunk")?.address;
  return relativeTargets(sectionTable(sources, ".return_sites"), ".return_sites").map((address) => {
    const code = codeAt(sources, address, LENGTH);
    const isPlain = code[0] === 0xe9 && thunk !== undefined && branchTarget(code, address) === thunk;
    return {
      kind: isPlain ? "return_thunk" : "return_thunk_other",
      at: siteOffset(sources, address),
      length: LENGTH,
    };
  });
}
