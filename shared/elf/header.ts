import type { Address } from "../brand.ts";
import { equalBytes } from "../bytes.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { FILE_HEADER } from "./structs.ts";

export const ELF_MAGIC = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);
/** The values of e_ident and e_machine that are read and written here. */
export const ELF_KIND = { fileClass: 2, byteOrder: 1, machine: 62 } as const;

/** The values of e_type: relocatable (a module file), executable (vmlinux), core (/proc/kcore). */
export const ELF_TYPE = { rel: 1, exec: 2, dyn: 3, core: 4 } as const;

/**
 * The ELF64 file header (ELF-64 Object File Format 1.5, table 1). Offsets and sizes are bytes of the file.
 */
export interface ElfHeader {
  readonly type: number;
  readonly entry: Address;
  readonly programHeaders: TablePlace;
  readonly sectionHeaders: TablePlace;
  /** The index of the section that holds the section names. */
  readonly sectionNames: number;
}

/** The place of a table that the header names: `count` entries of `size` bytes from `at`. */
export interface TablePlace {
  readonly at: number;
  readonly count: number;
  readonly size: number;
}

export const isElf = (bytes: Uint8Array): boolean =>
  equalBytes(bytes.subarray(0, ELF_MAGIC.length), ELF_MAGIC);

/**
 * Reads the file header.
 * @throws ParseError if the file is not ELF.
 * @throws RebootlessError `unsupported` if it is not 64-bit little-endian x86-64.
 */
export function parseElfHeader(bytes: Uint8Array): ElfHeader {
  if (!isElf(bytes)) throw new ParseError("not an ELF file: the magic 7f 45 4c 46 is missing");
  const header = FILE_HEADER.view(bytes, "ELF header");
  const [fileClass, byteOrder, machine] = [header("fileClass"), header("byteOrder"), header("machine")];
  if (fileClass !== ELF_KIND.fileClass || byteOrder !== ELF_KIND.byteOrder || machine !== ELF_KIND.machine) {
    throw new RebootlessError(
      "unsupported",
      `ELF class ${fileClass}, byte order ${byteOrder}, machine ${machine}: only x86-64 is handled`,
    );
  }
  return {
    type: header("type"),
    entry: header("entry") as Address,
    programHeaders: {
      at: header("programHeadersAt"),
      size: header("programHeaderSize"),
      count: header("programHeaderCount"),
    },
    sectionHeaders: {
      at: header("sectionHeadersAt"),
      size: header("sectionHeaderSize"),
      count: header("sectionHeaderCount"),
    },
    sectionNames: header("sectionNames"),
  };
}
