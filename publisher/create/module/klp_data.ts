import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { R_X86_64 } from "../../../shared/elf/rela.ts";
import { SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { u64 } from "../../../shared/struct.ts";
import { CALLBACKS, type Callback } from "../../module/target_objects.ts";
import type { ModuleStructs } from "./module_kernel.ts";
import type { ModulePlace, ModuleSections } from "./module_sections.ts";
import { terminated } from "./string_table.ts";
import type { ModuleSymbol } from "./symbol_entries.ts";

/** A kernel object, and everything that the module does to it. */
export interface KlpObject {
  readonly object: ObjectName;
  readonly functions: readonly KlpFunction[];
  readonly callbacks: ReadonlyMap<Callback, ModulePlace>;
}

export interface KlpFunction {
  readonly name: string;
  readonly position: number;
  /** The place of the new code. */
  readonly code: ModulePlace;
}

const ALIGN = 32;

/**
 * A writer of a module's struct klp_patch with its arrays of klp_object and klp_func
 * (include/linux/livepatch.h). An empty entry ends each array. Readers of the file find the length of each
 * from its symbol.
 */
export class KlpData {
  readonly symbols: ModuleSymbol[] = [];
  readonly #sections: ModuleSections;
  readonly #structs: ModuleStructs;

  constructor(sections: ModuleSections, structs: ModuleStructs) {
    this.#sections = sections;
    this.#structs = structs;
  }

  /**
   * Writes the klp_patch.
   * @param replace whether it takes out all other live patches.
   * @returns the place of the klp_patch.
   */
  patch(objects: readonly KlpObject[], replace: boolean): ModulePlace {
    const { size, mod, objs, replace: flag } = this.#structs.patch;
    const bytes = new Uint8Array(size);
    bytes[flag] = replace ? 1 : 0;
    const patch = this.#append("patch", bytes);
    this.#sections.relocate(at(patch, mod), R_X86_64._64, { kind: "symbol", name: "__this_module" });
    this.#point(at(patch, objs), this.#objects(objects));
    return patch;
  }

  #objects(objects: readonly KlpObject[]): ModulePlace {
    const { size, name, funcs, callbacks } = this.#structs.object;
    const array = this.#append("objs", new Uint8Array(size * (objects.length + 1)));
    for (const [index, entry] of objects.entries()) {
      const start = at(array, index * size);
      if (entry.object !== VMLINUX) this.#point(at(start, name), this.#string(entry.object));
      this.#point(at(start, funcs), this.#functions(entry));
      for (const callback of CALLBACKS) {
        const code = entry.callbacks.get(callback);
        if (code !== undefined) this.#point(at(start, callbacks[callback]), code);
      }
    }
    return array;
  }

  #functions({ object, functions }: KlpObject): ModulePlace {
    const { size, oldName, newFunc, oldPosition } = this.#structs.func;
    const bytes = new Uint8Array(size * (functions.length + 1));
    const view = new DataView(bytes.buffer);
    for (const [index, { position }] of functions.entries())
      u64(index * size + oldPosition).write(view, BigInt(position));
    const array = this.#append(`funcs_${object}`, bytes);
    for (const [index, { name, code }] of functions.entries()) {
      this.#point(at(array, index * size + oldName), this.#string(name));
      this.#point(at(array, index * size + newFunc), code);
    }
    return array;
  }

  #string(text: string): ModulePlace {
    const bytes = terminated(text);
    const flags = SECTION_FLAG.alloc;
    const shape = { name: ".rodata.str1.1", type: SECTION_TYPE.progbits, flags, align: 1, entrySize: 0 };
    return this.#sections.append({ ...shape, size: bytes.length, bytes });
  }

  #append(name: string, bytes: Uint8Array): ModulePlace {
    const flags = SECTION_FLAG.alloc | SECTION_FLAG.write;
    const shape = { name: ".data", type: SECTION_TYPE.progbits, flags, align: ALIGN, entrySize: 0 };
    const place = this.#sections.append({ ...shape, size: bytes.length, bytes });
    this.symbols.push({ name, place, size: bytes.length, kind: "object", isGlobal: false });
    return place;
  }

  #point(from: ModulePlace, to: ModulePlace): void {
    this.#sections.relocate(from, R_X86_64._64, { kind: "place", place: to });
  }
}

const at = ({ section, offset }: ModulePlace, more: number): ModulePlace => ({
  section,
  offset: offset + more,
});
