import { type BuildId, type ObjectName, objectName } from "../../shared/brand.ts";
import { ELF_TYPE, parseElfHeader } from "../../shared/elf/header.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { type ElfSection, parseSections, sectionBytes } from "../../shared/elf/sections.ts";
import { type ElfSymbol, parseSymbols } from "../../shared/elf/symbols.ts";
import { ParseError } from "../../shared/errors.ts";
import { parseModinfo } from "./modinfo.ts";

/** A kernel module as it is in its package. */
export interface ModuleObject {
  readonly name: ObjectName;
  readonly buildId: BuildId;
  /** The kernel release and options that the module loader compares. */
  readonly vermagic: string;
  /** The values of the `.modinfo` section by their keys. */
  readonly modinfo: ReadonlyMap<string, readonly string[]>;
  readonly file: Uint8Array;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
}

/** Opens a module. @param file an uncompressed .ko. @throws ParseError, RebootlessError `limit`. */
export function openModule(file: Uint8Array): ModuleObject {
  const header = parseElfHeader(file);
  if (header.type !== ELF_TYPE.rel) throw new ParseError(`not a relocatable ELF file: type ${header.type}`);
  const sections = parseSections(file, header);
  const section = (name: string): Uint8Array => {
    const found = sections.find((s) => s.name === name);
    if (found === undefined) throw new ParseError(`not a kernel module: it has no section ${name}`);
    return sectionBytes(file, found);
  };
  const modinfo = parseModinfo(section(".modinfo"));
  const one = (key: string): string => {
    const [value, ...others] = modinfo.get(key) ?? [];
    if (value === undefined || others.length > 0) throw new ParseError(`.modinfo must have one ${key}=`);
    return value;
  };
  const name = objectName(one("name"));
  const buildId = gnuBuildId(section(".note.gnu.build-id"));
  if (buildId === undefined) throw new ParseError(`${name}: no GNU build ID in .note.gnu.build-id`);
  return {
    name,
    buildId,
    vermagic: one("vermagic"),
    modinfo,
    file,
    sections,
    symbols: parseSymbols(file, sections),
  };
}
