import type { Address } from "../brand.ts";
import { ByteReader } from "../byte_reader.ts";
import { counted } from "../counted.ts";
import { ParseError, RebootlessError } from "../errors.ts";
import { parseElfHeader } from "./header.ts";

const ENTRY_SIZE = 56;
// /proc/kcore has some hundreds on the largest NUMA machines; a dump by virtual addresses one for each run of pages. The
// header cannot count further.
export const MAX_PROGRAM_HEADERS = 0xfffe;

export const SEGMENT_TYPE = { load: 1, note: 4 } as const;

/**
 * One segment: `fileSize` bytes at `fileOffset` of the file stand for memory from `address`. In 64 bits: with five levels
 * of page tables /proc/kcore has offsets and sizes past 2^53.
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
 * @param bytes the first bytes of an ELF file; the segments themselves need not be there (/proc/kcore).
 * @throws ParseError; RebootlessError `limit` past MAX_PROGRAM_HEADERS.
 */
export function parseProgramHeaders(bytes: Uint8Array): readonly ProgramHeader[] {
  const { at, count, size } = parseElfHeader(bytes).programHeaders;
  if (count > MAX_PROGRAM_HEADERS) {
    throw new RebootlessError("limit", `ELF: ${count} program headers, at most ${MAX_PROGRAM_HEADERS}`);
  }
  if (count > 0 && size !== ENTRY_SIZE) {
    throw new ParseError(`ELF: program headers of ${counted(size, "byte")}, not ${ENTRY_SIZE}`);
  }
  const reader = new ByteReader(bytes, "ELF program headers", count > 0 ? at : 0);
  return Array.from({ length: count }, () => parseProgramHeader(reader));
}

function parseProgramHeader(reader: ByteReader): ProgramHeader {
  const type = reader.u32();
  const flags = reader.u32();
  // kcore's PT_NOTE and a vsyscall page may have any offset: kept as read, checked where it is used.
  const fileOffset = reader.u64();
  const address = reader.u64() as Address;
  const fileSize = reader.skip(8).u64();
  const memorySize = reader.u64();
  reader.skip(8); // p_align
  return { type, flags, fileOffset, address, fileSize, memorySize };
}
