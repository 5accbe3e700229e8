import { branchLength } from "../../x86/branch.ts";
import type { PatchSite } from "../patch_sites.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/** Calls and jumps to the thunks of indirect branches: inlined where the CPU needs no thunk. */
export function retpolineSites(sources: SiteSources): readonly PatchSite[] {
  return relativeTargets(sectionTable(sources, ".retpoline_sites"), ".retpoline_sites").map((address) => ({
    kind: "retpoline",
    at: siteOffset(sources, address),
    length: branchLength(codeAt(sources, address, 2)),
  }));
}
