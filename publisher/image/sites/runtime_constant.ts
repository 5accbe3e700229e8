import { textOffset } from "../../../shared/brand.ts";
import type { PatchSite } from "./patch_site.ts";
import { relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/**
 * The lengths of constants by their kind. A section's name says what is filled in: `runtime_ptr_X` 8 bytes,
 * `runtime_shift_X` 1 byte, of the variable X.
 */
const LENGTHS: ReadonlyMap<string, 1 | 8> = new Map([
  ["ptr", 8],
  ["shift", 1],
]);

/** Returns the immediate operands that boot fills in (since 6.11). There is a section for each constant. */
export function runtimeConstantSites(sources: SiteSources): readonly PatchSite[] {
  return sources.sections.flatMap(({ name }): readonly PatchSite[] => {
    const [, type, constant] = /^runtime_([a-z]+)_(.+)$/.exec(name) ?? [];
    if (type === undefined || constant === undefined) return [];
    const length = LENGTHS.get(type);
    const variable = sources.symbols.only(constant);
    return relativeTargets(sectionTable(sources, name), name).map((address) => {
      const at = siteOffset(sources, address);
      // Boot fills in only the kernel's own constants.
      if (length === undefined || variable === undefined || sources.module) {
        return { kind: "unknown", table: "runtime_constant", at, length: 8 };
      }
      const place = textOffset(siteOffset(sources, variable.address));
      return { kind: "runtime_constant", at, length, variable: place };
    });
  });
}
