import { counted } from "../../../shared/counted.ts";
import { SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { MAX_ARTIFACT_BYTES } from "../../../shared/limits.ts";
import { INT3 } from "../../../shared/x86/opcodes.ts";

/**
 * A section of the module that is being made. Indices count from 0 in the order in which sections were first
 * added.
 */
export interface ModuleSection {
  readonly name: string;
  readonly type: number;
  /** The flags, of which only write, alloc and exec are kept. */
  readonly flags: bigint;
  readonly align: number;
  readonly entrySize: number;
  readonly size: number;
  /** The bytes of the section; empty for SHT_NOBITS. */
  readonly bytes: Uint8Array;
  readonly relocations: readonly ModuleRelocation[];
}

/** A place in the module, given by the index of a section and an offset in bytes. */
export interface ModulePlace {
  readonly section: number;
  readonly offset: number;
}

export interface ModuleRelocation {
  readonly offset: number;
  /** The relocation's type (R_X86_64_*). */
  readonly type: number;
  readonly addend: bigint;
  readonly target: ModuleTarget;
}

export type ModuleTarget =
  | { readonly kind: "place"; readonly place: ModulePlace }
  /** A global symbol of the module itself, or one that the kernel exports. */
  | { readonly kind: "symbol"; readonly name: string }
  /** A symbol that livepatch resolves when `object` is loaded: `.klp.rela.OBJECT.SECTION`. */
  | { readonly kind: "livepatch"; readonly object: string; readonly symbol: string };

/** A piece of content that becomes part of a section. */
export type SectionPart = Omit<ModuleSection, "relocations">;

interface Growing {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly parts: { readonly at: number; readonly bytes: Uint8Array }[];
  readonly relocations: ModuleRelocation[];
  align: number;
  entrySize: number;
  size: number;
}

const MEANINGFUL = SECTION_FLAG.write | SECTION_FLAG.alloc | SECTION_FLAG.exec;
// All functions go into one section, as in modules that the linker makes. Names with two dots (.data..percpu)
// have a meaning and are kept, but for those of the compiler's labels (.data..L; scripts/module.lds.S).
const GATHERED = /^(\.text|\.rodata|\.data|\.bss)\.(?:[^.]|\.L)/;
// Execution that runs into the gap between two functions must not go on.
const GAP_IN_CODE = INT3;
// The largest alignment is a page, which is the most that per-CPU data and the like ask for.
const MAX_ALIGN = 4096;

/** The sections of a module, gathered part by part. */
export class ModuleSections {
  readonly #sections: Growing[] = [];
  readonly #indices = new Map<string, number>();
  #total = 0;

  /**
   * Adds a part to the section of its name.
   * @throws RebootlessError `unsupported` if that section is of another kind.
   * @throws RebootlessError `limit`.
   */
  append(part: SectionPart): ModulePlace {
    requireAlignment(part);
    const index = this.#indexOf(part);
    const section = this.#at(index);
    const offset = alignUp(section.size, part.align);
    this.#total += offset - section.size + part.size;
    if (this.#total > MAX_ARTIFACT_BYTES) {
      throw new RebootlessError("limit", `the module's sections have more than ${MAX_ARTIFACT_BYTES} bytes`);
    }
    section.parts.push({ at: offset, bytes: part.bytes });
    section.size = offset + part.size;
    section.align = Math.max(section.align, part.align);
    // If the parts have different entry sizes, the section is plain bytes and not a table.
    if (section.entrySize !== part.entrySize) section.entrySize = 0;
    return { section: index, offset };
  }

  /** Adds a relocation. @param place place of the field that the loader fills in. */
  relocate(place: ModulePlace, type: number, target: ModuleTarget, addend = 0n): void {
    this.#at(place.section).relocations.push({ offset: place.offset, type, addend, target });
  }

  finish(): readonly ModuleSection[] {
    return this.#sections.map((section) => ({
      ...section,
      bytes: contents(section),
      relocations: section.relocations.toSorted((a, b) => a.offset - b.offset),
    }));
  }

  #indexOf(part: SectionPart): number {
    const name = GATHERED.exec(part.name)?.[1] ?? part.name;
    const flags = part.flags & MEANINGFUL;
    const known = this.#indices.get(name);
    if (known === undefined) {
      const { type, align, entrySize } = part;
      this.#sections.push({ name, type, flags, align, entrySize, size: 0, parts: [], relocations: [] });
      this.#indices.set(name, this.#sections.length - 1);
      return this.#sections.length - 1;
    }
    const before = this.#at(known);
    if (before.type === part.type && before.flags === flags) return known;
    throw new RebootlessError(
      "unsupported",
      `${part.name}: its type ${part.type} and flags ${flags} differ from those of the module's ${name} (${before.type}, ${before.flags})`,
    );
  }

  #at(index: number): Growing {
    const section = this.#sections[index];
    if (section === undefined) throw new RangeError(`no section ${index}`);
    return section;
  }
}

export const alignUp = (value: number, align: number): number => Math.ceil(value / align) * align;

function requireAlignment({ name, align }: SectionPart): void {
  if (align >= 1 && align <= MAX_ALIGN && Number.isInteger(Math.log2(align))) return;
  throw new RebootlessError("unsupported", `${name} is aligned to ${counted(align, "byte")}`);
}

function contents({ type, flags, size, parts }: Growing): Uint8Array {
  if (type === SECTION_TYPE.nobits) return new Uint8Array();
  const bytes = new Uint8Array(size).fill((flags & SECTION_FLAG.exec) !== 0n ? GAP_IN_CODE : 0);
  for (const part of parts) bytes.set(part.bytes, part.at);
  return bytes;
}
