import { LOCK } from "../../../shared/x86/opcodes.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/**
 * Returns the lock prefixes, which become a segment prefix while there is only one processor. Where the
 * assembler has put another prefix first, the kernel finds no lock and changes nothing.
 */
export function smpLockSites(sources: SiteSources): readonly PatchSite[] {
  return relativeTargets(sectionTable(sources, ".smp_locks"), ".smp_locks")
    .filter((address) => codeAt(sources, address, 1)[0] === LOCK)
    .map((address) => ({ kind: "smp_lock", at: siteOffset(sources, address) }) as const)
    .filter(({ at }) => sources.module?.hasLocks(at) ?? true);
}
