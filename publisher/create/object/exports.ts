import { SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import type { ElfSymbol } from "../../../shared/elf/symbols.ts";

/**
 * Returns the names that a unit exports to modules. EXPORT_SYMBOL makes a symbol `__ksymtab_NAME` (Linux 6.1)
 * or `__export_symbol_NAME` (from 6.5 on; include/linux/export.h).
 */
export function exportedNames(symbols: readonly ElfSymbol[]): ReadonlySet<string> {
  const names = symbols.flatMap(({ name, section }) => {
    const exported = /^__(?:ksymtab|export_symbol)_(.+)$/.exec(name)?.[1];
    return exported === undefined || section === SECTION_NUMBER.undefined ? [] : exported;
  });
  return new Set(names);
}
