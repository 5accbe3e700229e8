import type { Address } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { groupBy } from "../../shared/group_by.ts";
import type { KernelSymbol } from "./kallsyms.ts";

/** The look-ups in a kernel's symbols. */
export interface SymbolTable {
  /** The symbols in the order of kallsyms, which is by address. */
  readonly all: readonly KernelSymbol[];
  /** Returns all symbols of a name, in the order in which livepatch counts positions. */
  named(name: string): readonly KernelSymbol[];
  /**
   * Returns the only symbol of a name, or undefined if the kernel has none.
   * @throws ParseError if it has several.
   */
  only(name: string): KernelSymbol | undefined;
  /**
   * Returns the symbol at a position, as livepatch's old_sympos has it: 0 demands a unique name, n is the nth
   * of its name.
   * @throws RebootlessError `usage`, `unsupported`.
   */
  at(name: string, position: number): KernelSymbol;
  /** Returns the symbols at exactly this address, several if they are aliases. */
  startingAt(address: Address): readonly KernelSymbol[];
}

export function symbolTable(all: readonly KernelSymbol[]): SymbolTable {
  const byName = groupBy(all, (symbol) => symbol.name);
  const byAddress = groupBy(all, (symbol) => symbol.address);
  const named = (name: string): readonly KernelSymbol[] => byName.get(name) ?? [];
  return {
    all,
    named,
    startingAt: (address) => byAddress.get(address) ?? [],
    only: (name) => {
      const found = named(name);
      if (found.length > 1)
        throw new ParseError(`the kernel has ${counted(found.length, "symbol")} named ${name}`);
      return found[0];
    },
    at: (name, position) => symbolAt(named(name), name, position),
  };
}

function symbolAt(found: readonly KernelSymbol[], name: string, position: number): KernelSymbol {
  if (position === 0 && found.length > 1) {
    throw new RebootlessError("usage", `${counted(found.length, "symbol")} are named ${name}`, {
      hint: `Give the position (1 to ${found.length}) of the symbol that you mean, like livepatch's old_sympos.`,
      details: { name, count: found.length },
    });
  }
  const symbol = found[Math.max(position - 1, 0)];
  if (symbol === undefined) {
    throw new RebootlessError("unsupported", `the kernel has no symbol ${name} at position ${position}`, {
      hint:
        found.length === 0
          ? "It may have been inlined or renamed by the compiler."
          : `There are ${found.length}.`,
      details: { name, position },
    });
  }
  return symbol;
}
