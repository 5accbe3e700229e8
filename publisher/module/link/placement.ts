import { type TextOffset, textOffset } from "../../../shared/brand.ts";
import { type ElfSection, SECTION_FLAG } from "../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { type Extent, MODULE_SPACE } from "../../../shared/runpre/module/layout.ts";

/** Offsets from `_text` at which the parts of a module are linked. */
export interface Placement {
  /** By section number; sections that are not loaded have none. */
  readonly places: ReadonlyMap<number, TextOffset>;
  /** Code that stays in memory. */
  readonly text: Extent;
  readonly textSections: readonly ElfSection[];
}

// Symbols of other modules have the other half of the space.
const END = MODULE_SPACE + 0x2000_0000;
const PAGE = 4096;

/**
 * Code is laid out as the kernel's loader does it: its sections one after the other from the start of a page, each at
 * its alignment. Everything else has pages of its own, and free ones between: where it lies is asked of the host.
 * @throws RebootlessError `limit`, or `unsupported` for a module that has no such code.
 */
export function placeSections(sections: readonly ElfSection[]): Placement {
  const loaded = sections.filter(({ flags }) => (flags & SECTION_FLAG.alloc) !== 0n);
  const textSections = loaded.filter((section) => section.size > 0 && isLastingCode(section));
  const places = new Map<number, TextOffset>();
  let end = MODULE_SPACE;
  const put = (section: ElfSection, alignment: number): void => {
    const at = Math.ceil(end / alignment) * alignment;
    end = at + section.size;
    if (end > END) throw new RebootlessError("limit", `a module of more than ${END - MODULE_SPACE} bytes`);
    places.set(section.index, textOffset(at));
  };
  for (const section of textSections) put(section, Math.max(section.alignment, 1));
  const text = { at: textOffset(MODULE_SPACE), size: end - MODULE_SPACE };
  for (const section of loaded.filter((other) => !textSections.includes(other))) {
    end += PAGE;
    put(section, Math.max(section.alignment, PAGE));
  }
  if (text.size === 0) throw new RebootlessError("unsupported", "a module without code that stays in memory");
  return { places, text, textSections };
}

/** kernel/module/main.c: sections that start with `.init` are freed after the module's init function. */
const isLastingCode = ({ flags, name }: ElfSection): boolean =>
  (flags & SECTION_FLAG.exec) !== 0n && !name.startsWith(".init");
