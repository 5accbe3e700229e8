import type { Address } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { type ProgramHeader, parseProgramHeaders, SEGMENT_TYPE } from "../../shared/elf/program_headers.ts";
import { ParseError } from "../../shared/errors.ts";

/** The kernel as its linker laid it out: memory by link address, before relocation and patching. */
export interface LinkedMemory {
  readonly segments: readonly Segment[];
  /** Returns a view of `length` bytes at `at`. @throws ParseError if they do not all lie in one segment. */
  read(at: Address, length: number): Uint8Array;
  contains(at: Address, length: number): boolean;
}

/** One loaded segment. */
export interface Segment {
  readonly address: Address;
  readonly bytes: Uint8Array;
}

/**
 * Reads the segments of a kernel.
 * @param elf a kernel ELF file.
 * @throws ParseError for segments that reach past the end of the file.
 */
export function linkedMemory(elf: Uint8Array): LinkedMemory {
  const segments = parseProgramHeaders(elf)
    .filter((header) => header.type === SEGMENT_TYPE.load && header.fileSize > 0n)
    .map((header) => segmentOf(elf, header));
  return segmentMemory(segments);
}

export function segmentMemory(segments: readonly Segment[]): LinkedMemory {
  const find = (at: Address, length: number): Segment | undefined =>
    segments.find((s) => at >= s.address && at + BigInt(length) <= s.address + BigInt(s.bytes.length));
  return {
    segments,
    contains: (at, length) => find(at, length) !== undefined,
    read: (at, length) => {
      const segment = find(at, length);
      if (segment === undefined) {
        throw new ParseError(
          `the image has no ${counted(length, "byte")} at link address 0x${at.toString(16)}`,
        );
      }
      const from = Number(at - segment.address);
      return segment.bytes.subarray(from, from + length);
    },
  };
}

function segmentOf(elf: Uint8Array, { address, fileOffset, fileSize }: ProgramHeader): Segment {
  if (fileOffset + fileSize > BigInt(elf.length)) {
    throw new ParseError(
      `ELF segment: ${counted(fileSize, "byte")} at ${fileOffset} lie outside of the ${elf.length} there are`,
    );
  }
  return { address, bytes: elf.subarray(Number(fileOffset), Number(fileOffset + fileSize)) };
}
