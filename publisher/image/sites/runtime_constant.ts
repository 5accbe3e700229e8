import { type TextOffset, textOffset } from "../../../shared/brand.ts";
import type { PatchSite } from "./patch_site.ts";
import { isKept, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/**
 * The kinds of constants (arch/x86/include/asm/runtime-const.h). A section's name says what is filled in: `runtime_ptr_X`
 * 8 bytes, `runtime_shift_X` 1 byte, `runtime_mask_X` 4 bytes, of the variable X.
 */
type Fill = (at: number, variable: TextOffset) => PatchSite;
const KINDS: ReadonlyMap<string, Fill> = new Map<string, Fill>([
  ["ptr", (at, variable) => ({ kind: "runtime_constant", at, length: 8, variable })],
  ["shift", (at, variable) => ({ kind: "runtime_constant", at, length: 1, variable })],
  ["mask", (at, variable) => ({ kind: "runtime_mask", at, variable })],
]);

/**
 * Returns the immediate operands that boot fills in (since 6.11). There is a section for each constant. Those of modules
 * (Linux 6.16; later ones have none) stay as they are: only the kernel's own are filled in.
 */
export function runtimeConstantSites(sources: SiteSources): readonly PatchSite[] {
  if (sources.module !== undefined) return [];
  return sources.sections.flatMap(({ name }): readonly PatchSite[] => {
    const [, type, constant] = /^runtime_([a-z]+)_(.+)$/.exec(name) ?? [];
    if (type === undefined || constant === undefined) return [];
    const fill = KINDS.get(type);
    const places = relativeTargets(sectionTable(sources, name), name).map((address) =>
      siteOffset(sources, address),
    );
    const shownBy = placeOf(sources, constant, places);
    return places.map((at) => {
      const place = shownBy(at);
      return fill === undefined || place === undefined
        ? { kind: "unknown", table: "runtime_constant", at, length: 8 }
        : fill(at, place);
    });
  });
}

/**
 * Returns a function that tells where the value of a constant can be read, for the operand at a place: in its variable.
 * The compiler drops a variable that is written once and has no other use. Then all operands must agree, so each is
 * compared with the next one, and the last with the first. Initialisation code cannot be asked, because it is freed.
 */
function placeOf(
  sources: SiteSources,
  constant: string,
  places: readonly number[],
): (at: number) => TextOffset | undefined {
  const variable = sources.symbols.only(constant);
  if (variable !== undefined) {
    const place = textOffset(siteOffset(sources, variable.address));
    return () => place;
  }
  const kept = places.filter((at) => isKept(sources, at));
  return (at) => {
    const index = kept.indexOf(at);
    const other = kept[(index + 1) % kept.length];
    return index < 0 || other === undefined || other === at ? undefined : textOffset(other);
  };
}
