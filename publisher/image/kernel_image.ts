import { type Address, type BuildId, type TextOffset, textOffset } from "../../shared/brand.ts";
import { toHex } from "../../shared/bytes.ts";
import { isElf, parseElfHeader } from "../../shared/elf/header.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { parseProgramHeaders } from "../../shared/elf/program_headers.ts";
import { type ElfSection, parseSections, SECTION_TYPE, sectionBytes } from "../../shared/elf/sections.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import type { PatchingLandmarks } from "../../shared/runpre/landmarks.ts";
import { findBanner } from "./banner.ts";
import { bootPayload, isBootImage } from "./boot_image.ts";
import { decompressPayload } from "./decompress.ts";
import { readKallsyms } from "./kallsyms.ts";
import { type LinkedMemory, linkedMemory } from "./linked_memory.ts";
import { findPatchSites, type PatchedCode } from "./patch_sites.ts";
import { isZboot, unifiedKernel } from "./pe.ts";
import { type KernelRelocations, parseRelocations, relocationsWithin } from "./relocations.ts";
import { type SymbolTable, symbolTable } from "./symbol_table.ts";

/** A distribution's kernel as it is in its package, before boot. Offsets are bytes from `_text`. */
export interface KernelImage extends PatchedCode {
  readonly buildId: BuildId;
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  /** The banner, as /proc/version prints it. */
  readonly banner: string;
  /** The address at which `_text` is linked. */
  readonly linkedText: Address;
  /** The offset of `_etext`. Code from here on is initialisation code, which a running kernel has freed. */
  readonly textEnd: TextOffset;
  readonly symbols: SymbolTable;
  /** The sections, by the addresses that they are linked at. */
  readonly sections: readonly ElfSection[];
  readonly memory: LinkedMemory;
  readonly relocations: KernelRelocations;
  /** The places in memory where a running kernel keeps what decides about its code. */
  readonly patching: PatchingLandmarks;
}

/**
 * Opens a kernel image.
 * @param bytes a vmlinuz (bzImage), a unified kernel image around one, or the ELF file in it as scripts/extract-vmlinux
 * gives it.
 * @throws ParseError
 * @throws RebootlessError `limit`; `unsupported` for compressions not handled and images without relocations.
 */
export function openKernelImage(bytes: Uint8Array): KernelImage {
  const elf = kernelElf(bytes);
  const sections = parseSections(elf);
  const memory = linkedMemory(elf);
  const symbols = symbolTable(readKallsyms(memory));
  const linkedText = requireSymbol(symbols, "_text");
  const textEnd = textOffset(Number(requireSymbol(symbols, "_etext") - linkedText));
  const relocations = parseRelocations(elf.subarray(endOfElf(elf, sections)), linkedText);
  const relocated: KernelImage["relocated"] = (start, end) => relocationsWithin(relocations, start, end);
  const tables = findPatchSites({ memory, sections, symbols, own: symbols, relocated, linkedText });
  return {
    ...findBanner(memory),
    buildId: readBuildId(elf, sections),
    linkedText,
    textEnd,
    symbols,
    sections,
    memory,
    relocations,
    relocated,
    sites: tables.sites,
    patching: tables.landmarks,
    read: (offset, length) => memory.read((linkedText + BigInt(offset)) as Address, length),
  };
}

function kernelElf(bytes: Uint8Array): Uint8Array {
  if (isElf(bytes)) return bytes;
  if (isBootImage(bytes)) return decompressPayload(bootPayload(bytes));
  const inside = unifiedKernel(bytes);
  if (inside !== undefined && (isElf(inside) || isBootImage(inside))) return kernelElf(inside);
  if (isZboot(bytes))
    throw new RebootlessError("unsupported", "this kernel unpacks itself under EFI, as kernels of arm64 do", {
      hint: "Only kernels of x86-64 are handled.",
    });
  throw new ParseError(
    `neither a Linux boot image nor an ELF file: it begins with ${toHex(bytes.subarray(0, 8))}`,
    { hint: "Give the package's /boot/vmlinuz file." },
  );
}

function requireSymbol(symbols: SymbolTable, name: string): Address {
  const symbol = symbols.only(name);
  if (symbol === undefined) throw new ParseError(`the kernel has no symbol ${name}`);
  return symbol.address;
}

/** Reads the build ID from `.notes`, which a running kernel shows as /sys/kernel/notes. */
function readBuildId(elf: Uint8Array, sections: readonly ElfSection[]): BuildId {
  const notes = sections.find((s) => s.name === ".notes");
  const id = notes && gnuBuildId(sectionBytes(elf, notes));
  if (id === undefined) {
    throw new ParseError("the kernel has no GNU build ID", {
      hint: "It must be linked with --build-id, as distributions do.",
    });
  }
  return id;
}

/** Returns where the ELF file ends. The relocation table follows it, and belongs to no section or segment. */
function endOfElf(elf: Uint8Array, sections: readonly ElfSection[]): number {
  const { at, count, size } = parseElfHeader(elf).sectionHeaders;
  const ends = [
    at + count * size,
    ...sections.filter((s) => s.type !== SECTION_TYPE.nobits).map((s) => s.fileOffset + s.size),
    ...parseProgramHeaders(elf).map((p) => Number(p.fileOffset + p.fileSize)),
  ];
  return ends.reduce((a, b) => Math.max(a, b), 0);
}
