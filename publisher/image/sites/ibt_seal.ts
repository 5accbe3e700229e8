import { equalBytes } from "../../../shared/bytes.ts";
import { ENDBR64 } from "../../../shared/x86/opcodes.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

const ENDBR = Uint8Array.from(ENDBR64);
/** What takes its place: nopw (%rax), and since 6.18 nopl -42(%rax). */
const EARLY_SEAL = Uint8Array.of(0x66, 0x0f, 0x1f, 0x00);
const SEAL = Uint8Array.of(0x0f, 0x1f, 0x40, 0xd6);
/** How far into the code of is_endbr() the seal is looked for, in bytes. It is compared with at the start. */
const IS_ENDBR_BYTES = 32;

/**
 * Returns the endbr64 instructions that nothing calls indirectly. A kernel that has the table overwrites them
 * on every CPU, whether it tracks branches or not (arch/x86/kernel/alternative.c, apply_seal_endbr(),
 * apply_ibt_endbr()).
 */
export function ibtSealSites(sources: SiteSources): readonly PatchSite[] {
  const seal = sealOf(sources);
  return relativeTargets(sectionTable(sources, ".ibt_endbr_seal"), ".ibt_endbr_seal").map(
    (address): PatchSite => {
      const at = siteOffset(sources, address);
      const isEndbr = equalBytes(codeAt(sources, address, ENDBR.length), ENDBR);
      return isEndbr
        ? { kind: "fixed", at, code: seal }
        : { kind: "unknown", table: "ibt_seal", at, length: ENDBR.length };
    },
  );
}

/** Returns the seal that this kernel writes, which is the one that it recognises. */
function sealOf(sources: SiteSources): Uint8Array {
  const start = sources.symbols.only("is_endbr")?.address;
  if (start === undefined) return EARLY_SEAL;
  const code = codeAt(sources, start, IS_ENDBR_BYTES);
  const has = (at: number): boolean => equalBytes(code.subarray(at, at + SEAL.length), SEAL);
  return Array.from(code).some((_, at) => has(at)) ? SEAL : EARLY_SEAL;
}
