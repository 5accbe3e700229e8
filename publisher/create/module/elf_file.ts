import { ELF_KIND, ELF_MAGIC, ELF_TYPE } from "../../../shared/elf/header.ts";
import { MAX_SECTIONS, SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { FILE_HEADER, RELA, SECTION_HEADER, SYMBOL } from "../../../shared/elf/structs.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { ByteWriter } from "./byte_writer.ts";
import { alignUp, type ModuleRelocation, type ModuleSection } from "./module_sections.ts";
import { StringTable } from "./string_table.ts";
import { fileIndex, type ModuleSymbol, type SymbolEntries, symbolEntries } from "./symbol_entries.ts";

/** One section of the file. `link` and `info` are indices of sections or symbols in it. */
interface FileSection {
  readonly name: string;
  readonly type: number;
  readonly flags: bigint;
  readonly align: number;
  readonly entrySize: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly link: number;
  readonly info: number;
}

/** The version EV_CURRENT. There was never another version of ELF. */
const ELF_VERSION = 1;

/**
 * Encodes a module's sections as a relocatable ELF file (ELF-64 Object File Format 1.5).
 * @throws RebootlessError `limit`.
 */
export function encodeElf(sections: readonly ModuleSection[], symbols: readonly ModuleSymbol[]): Uint8Array {
  const entries = symbolEntries(sections, symbols);
  const groups = sections.flatMap((section, index) => relocationGroups(section, index));
  const symtab = fileIndex(sections.length + groups.length);
  const all = [
    ...sections.map((section) => ({ ...section, link: 0, info: 0 })),
    ...groups.map((group) => relocationTable(group, entries, symtab)),
    symbolTable(entries, symtab),
    stringSection(".strtab", entries.strings),
  ];
  if (all.length + 2 > MAX_SECTIONS) throw new RebootlessError("limit", `${all.length} sections`);
  return encodeFile(all);
}

/**
 * The relocations of one section that go into one table. With `object`, livepatch applies them when that
 * object is loaded.
 */
interface RelocationGroup {
  readonly section: number;
  readonly name: string;
  readonly object: string | undefined;
  readonly relocations: readonly ModuleRelocation[];
}

function relocationGroups({ name, relocations }: ModuleSection, section: number): readonly RelocationGroup[] {
  const objectOf = ({ target }: ModuleRelocation): string | undefined =>
    target.kind === "livepatch" ? target.object : undefined;
  // The relocations of the module itself come first.
  const objects = [...new Set(relocations.map(objectOf))].sort((a, b) => ((a ?? "") < (b ?? "") ? -1 : 1));
  return objects.map((object) => ({
    section,
    name,
    object,
    relocations: relocations.filter((relocation) => objectOf(relocation) === object),
  }));
}

function relocationTable(group: RelocationGroup, entries: SymbolEntries, symtab: number): FileSection {
  const writer = new ByteWriter();
  for (const { offset, type, addend, target } of group.relocations) {
    const reference = entries.reference(target);
    const entry = { offset, type, symbol: reference.symbol, addend: addend + reference.offset };
    writer.bytes(RELA.encode(entry));
  }
  const isLivepatch = group.object !== undefined;
  return {
    name: isLivepatch ? `.klp.rela.${group.object}.${group.name}` : `.rela${group.name}`,
    type: SECTION_TYPE.rela,
    // Livepatch needs its tables for as long as the module is loaded.
    flags: isLivepatch
      ? SECTION_FLAG.infoLink | SECTION_FLAG.alloc | SECTION_FLAG.livepatch
      : SECTION_FLAG.infoLink,
    align: 8,
    entrySize: RELA.size,
    size: writer.length,
    bytes: writer.finish(),
    link: symtab,
    info: fileIndex(group.section),
  };
}

const symbolTable = ({ table, localCount }: SymbolEntries, symtab: number): FileSection => ({
  name: ".symtab",
  type: SECTION_TYPE.symtab,
  flags: 0n,
  align: 8,
  entrySize: SYMBOL.size,
  size: table.length,
  bytes: table,
  link: symtab + 1,
  info: localCount,
});

const stringSection = (name: string, bytes: Uint8Array): FileSection => ({
  name,
  type: SECTION_TYPE.strtab,
  flags: 0n,
  align: 1,
  entrySize: 0,
  size: bytes.length,
  bytes,
  link: 0,
  info: 0,
});

/** Encodes a file: the header, then the sections' bytes, then their headers. */
function encodeFile(sections: readonly FileSection[]): Uint8Array {
  const names = new StringTable();
  for (const { name } of sections) names.add(name);
  names.add(".shstrtab");
  const all = [...sections, stringSection(".shstrtab", names.finish())];
  const body = new ByteWriter().zeros(FILE_HEADER.size);
  const headers = new ByteWriter().zeros(SECTION_HEADER.size);
  for (const section of all) {
    pad(body, section.align);
    headers.bytes(sectionHeader(section, names.add(section.name), body.length));
    body.bytes(section.bytes);
  }
  pad(body, 8);
  const headersAt = body.length;
  const file = body.bytes(headers.finish()).finish();
  file.set(elfHeader(headersAt, all.length + 1));
  return file;
}

const pad = (writer: ByteWriter, align: number): void =>
  void writer.zeros(alignUp(writer.length, align) - writer.length);

const sectionHeader = (
  { type, flags, size, link, info, align, entrySize }: FileSection,
  name: number,
  fileOffset: number,
): Uint8Array =>
  SECTION_HEADER.encode({ name, type, flags, fileOffset, size, link, info, alignment: align, entrySize });

/**
 * Encodes the header of the file.
 * @param sectionCount number of sections with the empty one; the last section holds the names.
 */
const elfHeader = (sectionHeadersAt: number, sectionCount: number): Uint8Array =>
  FILE_HEADER.encode({
    ...ELF_KIND,
    magic: ELF_MAGIC,
    identVersion: ELF_VERSION,
    type: ELF_TYPE.rel,
    version: ELF_VERSION,
    sectionHeadersAt,
    headerSize: FILE_HEADER.size,
    sectionHeaderSize: SECTION_HEADER.size,
    sectionHeaderCount: sectionCount,
    sectionNames: sectionCount - 1,
  });
