import { closeSync, readSync } from "node:fs";
import type { Address } from "../../shared/brand.ts";
import { isElf, parseElfHeader } from "../../shared/elf/header.ts";
import { type ProgramHeader, parseProgramHeaders, SEGMENT_TYPE } from "../../shared/elf/program_headers.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";

/** The memory of a kernel by address, as an ELF core file has it: /proc/kcore, a crash dump, a dump of a machine. */
export interface CoreFile {
  readonly path: string;
  /** Runs of memory, by rising address. */
  readonly segments: readonly CoreSegment[];
  /** Its PT_NOTE, undefined where it has none. */
  notes(): Uint8Array | undefined;
  /**
   * Exactly `length` bytes (at most MAX_READ_BYTES) from `at`, which may lie in several segments if they adjoin.
   * @throws RebootlessError `unsupported` for memory that the file has not, `io` where the file ends before its memory does.
   */
  read(at: bigint, length: number): Uint8Array;
  close(): void;
}

export interface CoreSegment {
  readonly start: Address;
  /** Past its last byte. */
  readonly end: bigint;
  readonly fileOffset: bigint;
}

/** The largest function has 4 MiB. */
export const MAX_READ_BYTES = 4 * 1024 * 1024;
const ELF_HEADER_BYTES = 64;
/** All of the program headers that a file can have, with room before them. */
const MAX_HEADERS_BYTES = 4 * 1024 * 1024;
/** A note for each of some thousands of processors. */
const MAX_NOTES_BYTES = 16 * 1024 * 1024;

/**
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
    read: (at, length) => readMemory(file, path, segments, at, length),
    close: () => closeSync(file),
  };
}

function readHeaders(file: number, path: string): readonly ProgramHeader[] {
  const start = readAt(file, 0n, ELF_HEADER_BYTES);
  if (!isElf(start)) {
    throw new RebootlessError("unsupported", `${path} is not an ELF file`, {
      hint: "A core file is wanted, as /proc/kcore is one; makedumpfile's and QEMU's compressed formats are not read.",
    });
  }
  try {
    const { at, count, size } = parseElfHeader(start).programHeaders;
    const end = at + count * size;
    if (end > MAX_HEADERS_BYTES) {
      throw new RebootlessError(
        "limit",
        `${path}: program headers up to byte ${end}, at most ${MAX_HEADERS_BYTES}`,
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
): Uint8Array {
  if (length < 0 || length > MAX_READ_BYTES) {
    throw new RebootlessError("limit", `${length} bytes of memory at once, at most ${MAX_READ_BYTES}`);
  }
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const place = at + BigInt(done);
    const segment = segmentAt(segments, place);
    if (segment === undefined) {
      throw new RebootlessError("unsupported", `${path} has no memory at 0x${place.toString(16)}`, {
        hint: "What is asked for lies outside of the kernel, or the file was made without it.",
      });
    }
    const left = segment.end - place;
    const count = left < BigInt(length - done) ? Number(left) : length - done;
    const position = segment.fileOffset + (place - segment.start);
    const bytes = readAt(file, position, count);
    if (bytes.length < count) throw cutShort(path, place + BigInt(bytes.length));
    out.set(bytes, done);
    done += count;
  }
  return out;
}

/** The last segment that begins at or before a place, if it reaches there. */
function segmentAt(segments: readonly CoreSegment[], place: bigint): CoreSegment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle]?.start ?? 0n) <= place) low = middle + 1;
    else high = middle;
  }
  const segment = segments[low - 1];
  return segment !== undefined && place < segment.end ? segment : undefined;
}

const cutShort = (path: string, place: bigint): RebootlessError =>
  new RebootlessError("io", `${path} is cut short: it ends before the memory at 0x${place.toString(16)}`, {
    hint: "Copy it again, whole.",
  });

/** File offsets end here (off_t). */
const MAX_POSITION = (1n << 63n) - 1n;

/** Up to `length` bytes; fewer only at the end of the file. */
function readAt(file: number, position: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let had = 0;
  while (had < length && position + BigInt(length) <= MAX_POSITION) {
    const count = readOnce(file, bytes.subarray(had), position + BigInt(had));
    if (count === 0) break;
    had += count;
  }
  return bytes.subarray(0, had);
}

function readOnce(file: number, into: Uint8Array, position: bigint): number {
  try {
    return readSync(file, into, 0, into.length, position);
  } catch (cause) {
    throw new RebootlessError("io", `cannot read at ${position} of a core file`, { cause });
  }
}
