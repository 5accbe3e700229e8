import { type Address, address } from "../../../shared/brand.ts";
import { ByteReader } from "../../../shared/byte_reader.ts";
import { parseElfHeader } from "../../../shared/elf/header.ts";
import { SEGMENT_TYPE } from "../../../shared/elf/program_headers.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { TextMemory } from "../../../shared/runpre/fingerprint.ts";
import type { Guest } from "../../support/guest/guest.ts";

const PAGE = 4096;
/** The program headers and, behind them, the notes. */
const HEADERS = 16 * PAGE;
const TEXT_MAPPING_START = 0xffff_ffff_8000_0000n;
const TEXT_MAPPING_END = 0xffff_ffff_c000_0000n;
const COPY = "/tmp/capture";

/** A kernel's memory from `_text` to `_end`, as it was at one moment. */
export interface Capture {
  readonly text: Address;
  readonly bytes: Uint8Array;
  /** In which the kernel says what it is. */
  readonly notes: Uint8Array;
}

/** Copies the text mapping out of a guest through its own /proc/kcore, as the host reads it. Throws RebootlessError. */
export async function captureText(guest: Guest): Promise<Capture> {
  const headers = await kcore(guest, 0n, HEADERS);
  const segments = segmentsOf(headers);
  const note = segments.find(({ type }) => type === SEGMENT_TYPE.note);
  const load = segments.find(
    ({ type, address: start }) =>
      type === SEGMENT_TYPE.load && start >= TEXT_MAPPING_START && start < TEXT_MAPPING_END,
  );
  if (note === undefined || load === undefined) {
    throw new RebootlessError("io", "the guest's /proc/kcore shows no text");
  }
  const notes = headers.subarray(Number(note.offset), Number(note.offset) + note.size);
  if (notes.length < note.size) throw new RebootlessError("limit", `${note.size} bytes of notes`);
  const bytes = await kcore(guest, load.offset / BigInt(PAGE), load.size);
  return { text: address(load.address), bytes, notes };
}

/** The memory from one address to another, which lie in one segment of the guest's /proc/kcore; whole pages. */
export async function captureRange(guest: Guest, from: bigint, to: bigint): Promise<MemoryRange> {
  const segments = segmentsOf(await kcore(guest, 0n, HEADERS));
  const start = from - (from % BigInt(PAGE));
  const segment = segments.find(
    ({ type, address: at, size }) => type === SEGMENT_TYPE.load && start >= at && to <= at + BigInt(size),
  );
  if (segment === undefined)
    throw new RebootlessError("io", `/proc/kcore has no memory at ${from.toString(16)}`);
  const offset = segment.offset + (start - segment.address);
  return { start, bytes: await kcore(guest, offset / BigInt(PAGE), Number(to - start)) };
}

export interface MemoryRange {
  readonly start: bigint;
  readonly bytes: Uint8Array;
}

/** Offsets in /proc/kcore count in 64 bits: with five levels of page tables that of the text is past 2^53. */
function segmentsOf(headers: Uint8Array) {
  const { at, count, size } = parseElfHeader(headers).programHeaders;
  return Array.from({ length: count }, (_, i) => {
    const reader = new ByteReader(headers, "program header of /proc/kcore", at + i * size);
    const type = reader.u32();
    const offset = reader.skip(4).u64();
    const start = reader.u64();
    return { type, offset, address: start, size: Number(reader.skip(8).u64()) };
  });
}

/** A copy in the guest's memory first: the agent sends files of a known size. */
async function kcore(guest: Guest, page: bigint, length: number): Promise<Uint8Array> {
  const count = Math.ceil(length / PAGE);
  await guest.mustExec(`dd if=/proc/kcore of=${COPY} bs=${PAGE} skip=${page} count=${count} 2>/dev/null`);
  const bytes = await guest.getFile(COPY);
  await guest.mustExec(["rm", COPY]);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
}

/** Reads of the capture, as views. @param beside what lies outside of the kernel's text: of modules. */
export function captureMemory({ text, bytes }: Capture, beside?: MemoryRange): TextMemory {
  const start = beside === undefined ? 0 : Number(beside.start - text);
  return {
    text,
    read(offset, length) {
      if (offset + length <= bytes.length) return bytes.subarray(offset, offset + length);
      const at = offset - start;
      if (beside !== undefined && at >= 0 && at + length <= beside.bytes.length) {
        return beside.bytes.subarray(at, at + length);
      }
      throw new RebootlessError("unsupported", `${length} bytes at _text+${offset} were not captured`);
    },
  };
}
