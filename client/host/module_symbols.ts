import { type Address, address } from "../../shared/brand.ts";

interface ModuleSymbol {
  readonly module: string;
  readonly address: Address;
}

/** The prefix of the symbol that EXPORT_SYMBOL makes in the module that exports a symbol. */
const EXPORT_PREFIX = "__ksymtab_";

/** The symbols of modules in /proc/kallsyms: "ADDRESS TYPE NAME\t[MODULE]". Names can repeat, even within a module. */
export class ModuleSymbols {
  readonly #byName = new Map<string, ModuleSymbol[]>();

  constructor(kallsyms: Uint8Array) {
    const text = Buffer.from(kallsyms.buffer, kallsyms.byteOffset, kallsyms.length).toString("latin1");
    // The kernel's own symbols come first, and have no module.
    for (let at = lineStart(text, text.indexOf("\t[")); at < text.length; ) {
      const end = text.indexOf("\n", at);
      const line = text.slice(at, end < 0 ? undefined : end);
      at += line.length + 1;
      const [, hex, name, module] = /^([0-9a-f]+) [A-Za-z] ([^\t]+)\t\[(\w+)\]$/.exec(line) ?? [];
      if (hex === undefined || name === undefined || module === undefined) continue;
      const symbol = { module, address: address(BigInt(`0x${hex}`)) };
      const same = this.#byName.get(name);
      if (same === undefined) this.#byName.set(name, [symbol]);
      else same.push(symbol);
    }
  }

  /** Returns the address of a symbol of a module; undefined if the module does not have it, or has it more than once. */
  ownedBy(module: string, name: string): Address | undefined {
    const places = new Set(
      this.#named(name).flatMap((symbol) => (symbol.module === module ? [symbol.address] : [])),
    );
    const [place] = places;
    return places.size === 1 ? place : undefined;
  }

  /** Returns the module that exports a symbol. The kernel allows one; undefined if there are several all the same. */
  exporterOf(name: string): string | undefined {
    const [exporter, ...others] = this.#named(EXPORT_PREFIX + name);
    return others.length === 0 ? exporter?.module : undefined;
  }

  #named(name: string): readonly ModuleSymbol[] {
    return this.#byName.get(name) ?? [];
  }
}

const lineStart = (text: string, at: number): number =>
  at < 0 ? text.length : text.lastIndexOf("\n", at) + 1;
