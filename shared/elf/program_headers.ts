import type { Address } from "../brand.ts";
import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { parseElfHeader } from "./header.ts";
import { PROGRAM_HEADER } from "./structs.ts";

// /proc/kcore has some hundreds on the largest NUMA machines. A dump by virtual addresses has one for each
// run of pages. The header cannot count further than this.
export const MAX_PROGRAM_HEADERS = 0xfffe;

export const SEGMENT_TYPE = { load: 1, note: 4 } as const;

/**
 * A segment: `fileSize` bytes at `fileOffset` of the file hold the memory from `address` on. The numbers have
 * 64 bits: with five levels of page tables /proc/kcore has offsets and sizes past 2^53.
 */
export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly fileOffset: bigint;
  readonly address: Address;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
}

/**
 * Reads the program headers.
 * @param bytes the first bytes of an ELF file. The segments themselves may be absent (/proc/kcore).
 * @throws ParseError
 * @throws RebootlessError `limit` past MAX_PROGRAM_HEADERS.
 */
export function parseProgramHeaders(bytes: Uint8Array): readonly ProgramHeader[] {
  const { at, count, size } = parseElfHeader(bytes).programHeaders;
  if (count > MAX_PROGRAM_HEADERS) {
    throw new RebootlessError("limit", `ELF: ${count} program headers, at most ${MAX_PROGRAM_HEADERS}`);
  }
  if (count > 0 && size !== PROGRAM_HEADER.size) {
    throw new ParseError(`ELF: program headers of ${counted(size, "byte")}, not ${PROGRAM_HEADER.size}`);
  }
  const reader = new ByteReader(bytes, "ELF program headers");
  return Array.from({ length: count }, (_, i) => parseProgramHeader(reader, at + i * size));
}

function parseProgramHeader(reader: ByteReader, at: number): ProgramHeader {
  const { type, flags, fileOffset, address, fileSize, memorySize } = PROGRAM_HEADER.fields;
  return {
    type: type.read(reader, at),
    flags: flags.read(reader, at),
    // kcore's PT_NOTE and a vsyscall page may have any offset. It is stored as read, and checked where it is
    // used.
    fileOffset: fileOffset.read(reader, at),
    address: address.read(reader, at) as Address,
    fileSize: fileSize.read(reader, at),
    memorySize: memorySize.read(reader, at),
  };
}
