import { equalBytes } from "../../../shared/bytes.ts";
import { type ElfSection, parseSections, sectionBytes } from "../../../shared/elf/sections.ts";

/** Returns the content of a section of an object file, or undefined if it has none of this name. @throws ParseError. */
export function sectionNamed(file: Uint8Array, name: string): Uint8Array | undefined {
  const found = parseSections(file).find((section) => section.name === name);
  return found && sectionBytes(file, found);
}

/**
 * Reports whether two object files are the same in everything but one section, which may have another content and
 * another size, and so may lie elsewhere in the file.
 * @throws ParseError.
 */
export function sameBut(old: Uint8Array, now: Uint8Array, name: string): boolean {
  const [sections, others] = [parseSections(old), parseSections(now)];
  return (
    sections.length === others.length &&
    sections.every((section, i) => {
      const other = others[i];
      if (other === undefined || other.name !== section.name) return false;
      return section.name === name || sameSection(old, section, now, other);
    })
  );
}

const sameSection = (old: Uint8Array, section: ElfSection, now: Uint8Array, other: ElfSection): boolean =>
  section.type === other.type &&
  section.flags === other.flags &&
  section.size === other.size &&
  section.link === other.link &&
  section.info === other.info &&
  section.alignment === other.alignment &&
  section.entrySize === other.entrySize &&
  equalBytes(sectionBytes(old, section), sectionBytes(now, other));
