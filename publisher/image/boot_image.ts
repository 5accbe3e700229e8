import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes, utf8 } from "../../shared/bytes.ts";
import { ParseError } from "../../shared/errors.ts";
import { bytes, struct, u8, u16, u32 } from "../../shared/struct.ts";

/**
 * The layout of the start of a boot image (Linux, Documentation/arch/x86/boot.rst 6.12, "The Real-Mode Kernel
 * Header"), as far as it is needed to find the payload: protocol 2.08 and later, since 2008.
 */
const BOOT_SECTOR = struct(0x250, {
  setupSectors: u8(0x1f1),
  magic: bytes(0x202, 4),
  protocol: u16(0x206),
  payloadOffset: u32(0x248),
  payloadLength: u32(0x24c),
});
const MAGIC = utf8("HdrS");
const SECTOR = 512;
const OLDEST_WITH_PAYLOAD = 0x0208;

/** Tells whether the bytes have the "HdrS" magic of a Linux boot image (bzImage, vmlinuz). */
export function isBootImage(image: Uint8Array): boolean {
  const { offset, size } = BOOT_SECTOR.fields.magic;
  return equalBytes(image.subarray(offset, offset + size), MAGIC);
}

/** Returns the compressed kernel inside of a bzImage, as a view. @throws ParseError */
export function bootPayload(image: Uint8Array): Uint8Array {
  if (!isBootImage(image)) throw new ParseError('not a Linux boot image: the magic "HdrS" is missing');
  const header = BOOT_SECTOR.view(image, "boot image");
  const protocol = header("protocol");
  if (protocol < OLDEST_WITH_PAYLOAD) {
    throw new ParseError(`boot protocol ${protocol.toString(16)} does not say where the payload is`);
  }
  // The value 0 means 4, as in the oldest boot loaders.
  const setupSectors = header("setupSectors") || 4;
  const start = (setupSectors + 1) * SECTOR + header("payloadOffset");
  return new ByteReader(image, "boot image", start).take(header("payloadLength"));
}
