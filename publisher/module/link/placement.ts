import { type TextOffset, textOffset } from "../../../shared/brand.ts";
import { type ElfSection, SECTION_FLAG } from "../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { type Extent, MODULE_SPACE } from "../../../shared/runpre/module/layout.ts";

/** The offsets from `_text` at which the parts of a module are linked. */
export interface Placement {
  /** The offsets by section number. Sections that are not loaded have no offset. */
  readonly places: ReadonlyMap<number, TextOffset>;
  /** The extent of the code that stays in memory after init. */
  readonly text: Extent;
  readonly textSections: readonly ElfSection[];
}

// The other half of the space is for symbols of other modules.
const END = MODULE_SPACE + 0x2000_0000;
const PAGE = 4096;

/**
 * Chooses the places of a module's sections. Code is laid out as the kernel's loader does it: its sections follow each
 * other from the start of a page, each at its alignment. Every other section starts on a page of its own with a free page
 * before it, because only the host knows where it really lies.
 * @throws RebootlessError `limit`, or `unsupported` for a module without code that stays in memory after init.
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

/**
 * Returns true for code that stays in memory. The kernel frees sections whose names start with `.init` after the module's
 * init function has run (kernel/module/main.c).
 */
const isLastingCode = ({ flags, name }: ElfSection): boolean =>
  (flags & SECTION_FLAG.exec) !== 0n && !name.startsWith(".init");
