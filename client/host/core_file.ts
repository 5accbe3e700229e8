import { closeSync, readSync } from "node:fs";
import type { Address } from "../../shared/brand.ts";
import { isElf, parseElfHeader } from "../../shared/elf/header.ts";
import { type ProgramHeader, parseProgramHeaders, SEGMENT_TYPE } from "../../shared/elf/program_headers.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { partitionPoint } from "../../shared/partition_point.ts";

/** The memory of a kernel by address, in an ELF core file: /proc/kcore, a crash dump, or a dump of a virtual machine. */
export interface CoreFile {
  readonly path: string;
  /** The segments of memory, in ascending order of addresses. */
  readonly segments: readonly CoreSegment[];
  /** Reads PT_NOTE; undefined if the file has none. */
  notes(): Uint8Array | undefined;
  /**
   * Reads exactly `length` bytes (at most MAX_READ_BYTES) from address `at`. They may lie in several adjoining segments.
   *
   * @param room where to put them, of the same length; new memory otherwise.
   * @throws RebootlessError `unsupported` for memory that the file does not have; `io` if the file ends too early.
   */
  read(at: bigint, length: number, room?: Uint8Array): Uint8Array;
  close(): void;
}

/** A range of memory in a core file. */
export interface CoreSegment {
  readonly start: Address;
  /** The address after its last byte. */
  readonly end: bigint;
  readonly fileOffset: bigint;
}

/** The most bytes of one read, which is the size of the largest function. */
export const MAX_READ_BYTES = 4 * 1024 * 1024;
const ELF_HEADER_BYTES = 64;
/** The most program headers that a file can have, with room before them. */
const MAX_HEADERS_BYTES = 4 * 1024 * 1024;
/** The most bytes of notes. There is a note for each processor, of which there can be several thousand. */
const MAX_NOTES_BYTES = 16 * 1024 * 1024;

/**
 * Opens a core file.
 *
 * @param file an open file descriptor, which `close` closes.
 * @throws ParseError; RebootlessError `unsupported`, `limit`.
 */
export function coreFile(file: number, path: string): CoreFile {
  const headers = readHeaders(file, path);
  const segments = headers
    .filter(({ type, fileSize }) => type === SEGMENT_TYPE.load && fileSize > 0n)
    .map(({ address: start, fileSize, fileOffset }) => ({ start, end: start + fileSize, fileOffset }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  return {
    path,
    segments,
    notes() {
      const note = headers.find(({ type, fileSize }) => type === SEGMENT_TYPE.note && fileSize > 0n);
      if (note === undefined || note.fileSize > BigInt(MAX_NOTES_BYTES)) return undefined;
      return readAt(file, note.fileOffset, Number(note.fileSize));
    },
    read: (at, length, room) => readMemory(file, path, segments, at, length, room),
    close: () => closeSync(file),
  };
}

function readHeaders(file: number, path: string): readonly ProgramHeader[] {
  const start = readAt(file, 0n, ELF_HEADER_BYTES);
  if (!isElf(start)) {
    throw new RebootlessError("unsupported", `${path} is not an ELF file`, {
      hint: "It must be a core file such as /proc/kcore. The compressed formats of makedumpfile and QEMU are not supported.",
    });
  }
  try {
    const { at, count, size } = parseElfHeader(start).programHeaders;
    const end = at + count * size;
    if (end > MAX_HEADERS_BYTES) {
      throw new RebootlessError(
        "limit",
        `${path}: program headers end at byte ${end}; at most ${MAX_HEADERS_BYTES} are allowed`,
      );
    }
    return parseProgramHeaders(readAt(file, 0n, Math.max(end, ELF_HEADER_BYTES)));
  } catch (cause) {
    if (!isCode(cause, "parse")) throw cause;
    throw new RebootlessError("io", `${path} is cut short: it ends within its headers`, { cause });
  }
}

function readMemory(
  file: number,
  path: string,
  segments: readonly CoreSegment[],
  at: bigint,
  length: number,
  room?: Uint8Array,
): Uint8Array {
  if (length < 0 || length > MAX_READ_BYTES) {
    throw new RebootlessError(
      "limit",
      `cannot read ${length} bytes of memory at once; at most ${MAX_READ_BYTES} are allowed`,
    );
  }
  const out = room ?? new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const place = at + BigInt(done);
    const segment = segmentAt(segments, place);
    if (segment === undefined) {
      throw new RebootlessError("unsupported", `${path} has no memory at 0x${place.toString(16)}`, {
        hint: "This address lies outside the kernel, or the file was made without its memory.",
      });
    }
    const left = segment.end - place;
    const count = left < BigInt(length - done) ? Number(left) : length - done;
    const position = segment.fileOffset + (place - segment.start);
    const had = readInto(file, out.subarray(done, done + count), position);
    if (had < count) throw cutShort(path, place + BigInt(had));
    done += count;
  }
  return out;
}

/** Finds the segment that contains an address. */
function segmentAt(segments: readonly CoreSegment[], place: bigint): CoreSegment | undefined {
  const after = partitionPoint(segments.length, (i) => (segments[i]?.start ?? 0n) <= place);
  const segment = segments[after - 1];
  return segment !== undefined && place < segment.end ? segment : undefined;
}

const cutShort = (path: string, place: bigint): RebootlessError =>
  new RebootlessError("io", `${path} is cut short: it ends before the memory at 0x${place.toString(16)}`, {
    hint: "Copy the whole file again.",
  });

/** The largest file offset (off_t). */
const MAX_POSITION = (1n << 63n) - 1n;

/** Reads up to `length` bytes, and fewer only at the end of the file. */
function readAt(file: number, position: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, readInto(file, bytes, position));
}

/** Fills `bytes`. Returns how many there were, which are fewer only at the end of the file. */
function readInto(file: number, bytes: Uint8Array, position: bigint): number {
  const { length } = bytes;
  let had = 0;
  while (had < length && position + BigInt(length) <= MAX_POSITION) {
    const count = readOnce(file, bytes.subarray(had), position + BigInt(had));
    if (count === 0) break;
    had += count;
  }
  return had;
}

function readOnce(file: number, into: Uint8Array, position: bigint): number {
  try {
    return readSync(file, into, 0, into.length, position);
  } catch (cause) {
    throw new RebootlessError("io", `cannot read at ${position} of a core file`, { cause });
  }
}
