import { bytes, s64, size64, struct, u8, u16, u32, u64 } from "../struct.ts";

/*
 * The structures of 64-bit ELF files (System V ABI, gABI 4.1; ELF-64 Object File Format 1.5), as in Linux's
 * include/uapi/linux/elf.h 6.12. Readers and writers of ELF take their offsets from here.
 */

/** The structure Elf64_Ehdr. */
export const FILE_HEADER = struct(64, {
  magic: bytes(0, 4),
  fileClass: u8(4),
  byteOrder: u8(5),
  identVersion: u8(6),
  type: u16(16),
  machine: u16(18),
  version: u32(20),
  entry: u64(24),
  programHeadersAt: size64(32),
  sectionHeadersAt: size64(40),
  headerSize: u16(52),
  programHeaderSize: u16(54),
  programHeaderCount: u16(56),
  sectionHeaderSize: u16(58),
  sectionHeaderCount: u16(60),
  sectionNames: u16(62),
});

/** The structure Elf64_Shdr. */
export const SECTION_HEADER = struct(64, {
  name: u32(0),
  type: u32(4),
  flags: u64(8),
  address: u64(16),
  fileOffset: size64(24),
  size: size64(32),
  link: u32(40),
  info: u32(44),
  alignment: size64(48),
  entrySize: size64(56),
});

/** The structure Elf64_Phdr. */
export const PROGRAM_HEADER = struct(56, {
  type: u32(0),
  flags: u32(4),
  fileOffset: u64(8),
  address: u64(16),
  fileSize: u64(32),
  memorySize: u64(40),
});

/** The structure Elf64_Sym. The high half of `info` is the binding, its low half the type. */
export const SYMBOL = struct(24, {
  name: u32(0),
  info: u8(4),
  section: u16(6),
  value: u64(8),
  size: u64(16),
});

/** The structure Elf64_Rela. The low half of its r_info is the type, the high half the symbol. */
export const RELA = struct(24, {
  offset: size64(0),
  type: u32(8),
  symbol: u32(12),
  addend: s64(16),
});

/**
 * The structure Elf64_Nhdr. The name and the description follow it, each padded to 4 bytes (Linux keeps 4 in
 * ELF64 too).
 */
export const NOTE_HEADER = struct(12, {
  nameSize: u32(0),
  descriptionSize: u32(4),
  type: u32(8),
});
