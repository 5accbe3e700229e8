import { parseSections, SECTION_NUMBER } from "../../../shared/elf/sections.ts";
import { parseSymbols, SYMBOL_BINDING } from "../../../shared/elf/symbols.ts";
import type { UnitPair } from "../unit_pair.ts";

/** The global symbols of a compiled unit, by what the unit does with them. */
interface Globals {
  readonly defined: ReadonlySet<string>;
  readonly wanted: ReadonlySet<string>;
}

/**
 * Returns the names that one unit of an update newly defines and another one refers to. The running kernel
 * does not have them.
 * @throws ParseError.
 * @throws RebootlessError `limit`, `unsupported`.
 */
export function sharedNames(pairs: readonly Pick<UnitPair, "before" | "after">[]): ReadonlySet<string> {
  if (pairs.length < 2) return new Set();
  const wanted = new Set<string>();
  const defined = new Set<string>();
  for (const { before, after } of pairs) {
    const [old, now] = [globalsOf(before), globalsOf(after)];
    for (const name of now.wanted) wanted.add(name);
    for (const name of now.defined) if (!old.defined.has(name)) defined.add(name);
  }
  return new Set([...defined].filter((name) => wanted.has(name)));
}

function globalsOf(file: Uint8Array): Globals {
  const globals = parseSymbols(file, parseSections(file)).filter(
    ({ binding, name }) => binding !== SYMBOL_BINDING.local && name !== "",
  );
  const names = (isWanted: boolean) =>
    new Set(
      globals
        .filter(({ section }) => (section === SECTION_NUMBER.undefined) === isWanted)
        .map(({ name }) => name),
    );
  return { defined: names(false), wanted: names(true) };
}
