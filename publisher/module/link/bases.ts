import { type TextOffset, textOffset } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import {
  IMPORT_ORIGIN,
  IMPORT_SIZE,
  MAX_BASES,
  MODULE_SPACE,
  type ModuleBase,
} from "../../../shared/runpre/module/layout.ts";

const IMPORTS = MODULE_SPACE + 0x2000_0000;
const MAX_IMPORTS = Math.min(MAX_BASES, 0x2000_0000 / IMPORT_SIZE) - 1;

/** The bases of a module's layout. Each is made when it is first referred to. */
export class Bases {
  readonly #bases: ModuleBase[] = [];
  readonly #numbers = new Map<string, number>();
  #imports = 0;

  get all(): readonly ModuleBase[] {
    return this.#bases;
  }

  /** Returns the number of a base, and makes the base if it is new. @throws RebootlessError `limit`. */
  number(key: string, make: () => ModuleBase): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    if (this.#bases.length === MAX_BASES) {
      throw new RebootlessError("limit", `a module that refers to more than ${MAX_BASES} places`);
    }
    this.#numbers.set(key, this.#bases.length);
    return this.#bases.push(make()) - 1;
  }

  /** Returns the number of the base for a symbol of another module, and the offset that stands for the symbol. */
  import(symbol: string, exported = symbol): { readonly number: number; readonly offset: TextOffset } {
    const number = this.number(`import ${symbol}`, () => {
      if (this.#imports === MAX_IMPORTS) {
        throw new RebootlessError(
          "limit",
          `a module that uses more than ${MAX_IMPORTS} symbols of other modules`,
        );
      }
      const at = textOffset(IMPORTS + this.#imports++ * IMPORT_SIZE);
      return { kind: "import", at, size: IMPORT_SIZE, symbol, exported };
    });
    const base = this.#bases[number];
    return { number, offset: textOffset((base?.kind === "import" ? base.at : 0) + IMPORT_ORIGIN) };
  }

  /** Returns the symbol of another module for which an offset stands. */
  importAt(offset: number): string | undefined {
    const base = this.#bases.find((one) => one.kind === "import" && one.at + IMPORT_ORIGIN === offset);
    return base?.kind === "import" ? base.symbol : undefined;
  }
}

export const isImportOffset = (offset: number): boolean => offset >= IMPORTS;
