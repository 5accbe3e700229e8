import type { PatchSite } from "../patch_sites.ts";
import { relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const PREFIX = "runtime_";
// An 8-byte address is the longest; shifts are 1 byte. An unknown kind of constant is taken for the longest.
const LENGTH = 8;

/** Immediate operands that boot fills in (since 6.11): a section for each constant, `runtime_ptr_X`, `runtime_shift_X`. */
export function runtimeConstantSites(sources: SiteSources): readonly PatchSite[] {
  return sources.sections
    .filter((section) => section.name.startsWith(PREFIX))
    .flatMap(({ name }) =>
      relativeTargets(sectionTable(sources, name), name).map((address) => ({
        kind: "runtime_constant" as const,
        at: siteOffset(sources, address),
        length: name.startsWith("runtime_shift_") ? 1 : LENGTH,
      })),
    );
}
