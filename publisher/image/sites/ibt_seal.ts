import { equalBytes } from "../../../shared/bytes.ts";
import { ENDBR64 } from "../../../shared/x86/opcodes.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const ENDBR = Uint8Array.from(ENDBR64);
const SEAL = Uint8Array.of(0x66, 0x0f, 0x1f, 0x00);

/**
 * Returns the endbr64 instructions that nothing calls indirectly. A kernel that has the table overwrites them
 * on every CPU, whether it tracks branches or not (arch/x86/kernel/alternative.c, apply_seal_endbr(),
 * apply_ibt_endbr()).
 */
export function ibtSealSites(sources: SiteSources): readonly PatchSite[] {
  return relativeTargets(sectionTable(sources, ".ibt_endbr_seal"), ".ibt_endbr_seal").map(
    (address): PatchSite => {
      const at = siteOffset(sources, address);
      const isEndbr = equalBytes(codeAt(sources, address, SEAL.length), ENDBR);
      return isEndbr
        ? { kind: "fixed", at, code: SEAL }
        : { kind: "unknown", table: "ibt_seal", at, length: SEAL.length };
    },
  );
}
