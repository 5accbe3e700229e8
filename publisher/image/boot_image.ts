import { ByteReader } from "../../shared/byte_reader.ts";
import { latin1 } from "../../shared/elf/strings.ts";
import { ParseError } from "../../shared/errors.ts";

// Offsets of the Linux/x86 boot protocol (2.08 and later, since 2008), section "The Real-Mode Kernel Header".
const SETUP_SECTS = 0x1f1;
const MAGIC_AT = 0x202;
const PROTOCOL_AT = 0x206;
const PAYLOAD_AT = 0x248;
const SECTOR = 512;
const OLDEST_WITH_PAYLOAD = 0x0208;

/** Whether the bytes carry the "HdrS" magic of a Linux boot image (bzImage, vmlinuz). */
export const isBootImage = (bytes: Uint8Array): boolean =>
  latin1(bytes.subarray(MAGIC_AT, MAGIC_AT + 4)) === "HdrS";

/** The compressed kernel inside of a bzImage, a view. Throws ParseError. */
export function bootPayload(bytes: Uint8Array): Uint8Array {
  if (!isBootImage(bytes)) throw new ParseError('not a Linux boot image: the magic "HdrS" is missing');
  const reader = new ByteReader(bytes, "boot image");
  const protocol = reader.seek(PROTOCOL_AT).u16();
  if (protocol < OLDEST_WITH_PAYLOAD) {
    throw new ParseError(`boot protocol ${protocol.toString(16)} does not say where the payload is`);
  }
  // 0 stands for 4, as in the oldest boot loaders.
  const setupSectors = reader.seek(SETUP_SECTS).u8() || 4;
  const offset = reader.seek(PAYLOAD_AT).u32();
  const length = reader.u32();
  return reader.seek((setupSectors + 1) * SECTOR + offset).take(length);
}
