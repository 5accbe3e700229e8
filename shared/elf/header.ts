import type { Address } from "../brand.ts";
import { ByteReader } from "../byte_reader.ts";
import { equalBytes } from "../bytes.ts";
import { ParseError, RebootlessError } from "../errors.ts";

const MAGIC = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const MACHINE_X86_64 = 62;

/** e_type: relocatable (a module file), executable (vmlinux), core (/proc/kcore). */
export const ELF_TYPE = { rel: 1, exec: 2, dyn: 3, core: 4 } as const;

/** ELF64 file header (ELF-64 Object File Format 1.5, table 1). Offsets and sizes are bytes of the file. */
export interface ElfHeader {
  readonly type: number;
  readonly entry: Address;
  readonly programHeaders: TablePlace;
  readonly sectionHeaders: TablePlace;
  /** Index of the section that holds the section names. */
  readonly sectionNames: number;
}

/** Where a table of the header lies: `count` entries of `size` bytes from `at`. */
export interface TablePlace {
  readonly at: number;
  readonly count: number;
  readonly size: number;
}

export const isElf = (bytes: Uint8Array): boolean => equalBytes(bytes.subarray(0, 4), MAGIC);

/** @throws ParseError when not ELF; RebootlessError `unsupported` when not 64-bit little-endian x86-64. */
export function parseElfHeader(bytes: Uint8Array): ElfHeader {
  if (!isElf(bytes)) throw new ParseError("not an ELF file: the magic 7f 45 4c 46 is missing");
  const reader = new ByteReader(bytes, "ELF header", 4);
  const fileClass = reader.u8();
  const order = reader.u8();
  const type = reader.seek(16).u16();
  const machine = reader.u16();
  if (fileClass !== CLASS_64 || order !== LITTLE_ENDIAN || machine !== MACHINE_X86_64) {
    throw new RebootlessError(
      "unsupported",
      `ELF class ${fileClass}, byte order ${order}, machine ${machine}: only x86-64 is handled`,
    );
  }
  const entry = reader.skip(4).u64() as Address;
  const programHeadersAt = reader.size64();
  const sectionHeadersAt = reader.size64();
  reader.skip(6); // e_flags, e_ehsize
  const programHeaderSize = reader.u16();
  const programHeaderCount = reader.u16();
  const sectionHeaderSize = reader.u16();
  const sectionHeaderCount = reader.u16();
  return {
    type,
    entry,
    programHeaders: { at: programHeadersAt, size: programHeaderSize, count: programHeaderCount },
    sectionHeaders: { at: sectionHeadersAt, size: sectionHeaderSize, count: sectionHeaderCount },
    sectionNames: reader.u16(),
  };
}
