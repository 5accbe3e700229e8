import { ELF_TYPE } from "../../../shared/elf/header.ts";
import { MAX_SECTIONS, SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { ByteWriter } from "./byte_writer.ts";
import { alignUp, type ModuleRelocation, type ModuleSection } from "./module_sections.ts";
import { StringTable } from "./string_table.ts";
import { fileIndex, type ModuleSymbol, type SymbolEntries, symbolEntries } from "./symbol_entries.ts";

/** One section of the file; `link` and `info` are indices in it. */
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

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const RELA_SIZE = 24;
const X86_64 = 62;
const IDENT = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const INFO_LINK = 0x40n;

/** A relocatable ELF file (ELF-64 Object File Format 1.5) of a module's sections. Throws RebootlessError `limit`. */
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

/** Relocations of one section for one table. `object`: those that livepatch applies when that is there. */
interface RelocationGroup {
  readonly section: number;
  readonly name: string;
  readonly object: string | undefined;
  readonly relocations: readonly ModuleRelocation[];
}

function relocationGroups({ name, relocations }: ModuleSection, section: number): readonly RelocationGroup[] {
  const objectOf = ({ target }: ModuleRelocation): string | undefined =>
    target.kind === "livepatch" ? target.object : undefined;
  // Those of the module itself first.
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
    writer
      .u64(offset)
      .u32(type)
      .u32(reference.symbol)
      .u64(addend + reference.offset);
  }
  const isLivepatch = group.object !== undefined;
  return {
    name: isLivepatch ? `.klp.rela.${group.object}.${group.name}` : `.rela${group.name}`,
    type: SECTION_TYPE.rela,
    // Livepatch needs its tables as long as the module is there.
    flags: isLivepatch ? INFO_LINK | SECTION_FLAG.alloc | SECTION_FLAG.livepatch : INFO_LINK,
    align: 8,
    entrySize: RELA_SIZE,
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
  entrySize: SYMBOL_SIZE,
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

/** Header, then the sections' bytes, then their headers. */
function encodeFile(sections: readonly FileSection[]): Uint8Array {
  const names = new StringTable();
  for (const { name } of sections) names.add(name);
  names.add(".shstrtab");
  const all = [...sections, stringSection(".shstrtab", names.finish())];
  const body = new ByteWriter().zeros(HEADER_SIZE);
  const headers = new ByteWriter().zeros(SECTION_HEADER_SIZE);
  for (const section of all) {
    pad(body, section.align);
    writeSectionHeader(headers, section, names.add(section.name), body.length);
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

function writeSectionHeader(
  writer: ByteWriter,
  { type, flags, size, link, info, align, entrySize }: FileSection,
  name: number,
  fileOffset: number,
): void {
  writer.u32(name).u32(type).u64(flags).u64(0).u64(fileOffset).u64(size);
  writer.u32(link).u32(info).u64(align).u64(entrySize);
}

/** @param sectionCount with the empty one; the names are in the last. */
const elfHeader = (headersAt: number, sectionCount: number): Uint8Array =>
  new ByteWriter()
    .bytes(IDENT)
    .u16(ELF_TYPE.rel)
    .u16(X86_64)
    .u32(1)
    .u64(0)
    .u64(0)
    .u64(headersAt)
    .u32(0)
    .u16(HEADER_SIZE)
    .u16(0)
    .u16(0)
    .u16(SECTION_HEADER_SIZE)
    .u16(sectionCount)
    .u16(sectionCount - 1)
    .finish();
