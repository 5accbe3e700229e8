import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes, utf8 } from "../../shared/bytes.ts";
import { latin1 } from "../../shared/elf/strings.ts";
import { bytes, struct, u16, u32 } from "../../shared/struct.ts";

/** The parts of a PE file (Microsoft's "PE Format") that say where its sections are. */
const DOS_HEADER = struct(64, { magic: bytes(0, 2), next: u32(0x3c) });
const COFF_HEADER = struct(24, { magic: bytes(0, 4), sections: u16(6), optionalSize: u16(20) });
const SECTION = struct(40, { name: bytes(0, 8), virtualSize: u32(8), size: u32(16), offset: u32(20) });
const MAX_SECTIONS = 96;

/**
 * Returns the kernel in a unified kernel image, as a view: the section `.linux` of a PE file (UAPI Group, "Unified Kernel
 * Image"). Returns undefined for every other file.
 * @throws ParseError for a file that is cut off.
 */
export function unifiedKernel(file: Uint8Array): Uint8Array | undefined {
  if (file.length < DOS_HEADER.size) return undefined;
  const dos = DOS_HEADER.view(file, "PE file");
  if (!equalBytes(dos("magic"), utf8("MZ"))) return undefined;
  const start = dos("next");
  if (start + COFF_HEADER.size > file.length) return undefined;
  const coff = COFF_HEADER.view(file.subarray(start), "PE header");
  if (!equalBytes(coff("magic"), utf8("PE\0\0")) || coff("sections") > MAX_SECTIONS) return undefined;
  const reader = new ByteReader(file, "PE sections", start + COFF_HEADER.size + coff("optionalSize"));
  for (let i = 0; i < coff("sections"); i++) {
    const section = SECTION.view(reader.take(SECTION.size), "PE section");
    if (latin1(section("name")).replace(/\0.*$/s, "") !== ".linux") continue;
    const length = Math.min(section("size"), section("virtualSize") || section("size"));
    return new ByteReader(file, "PE section .linux", section("offset")).take(length);
  }
  return undefined;
}

/** Reports whether a file is a kernel that unpacks itself under EFI (Linux, drivers/firmware/efi/libstub/zboot.lds). */
export const isZboot = (file: Uint8Array): boolean => equalBytes(file.subarray(4, 8), utf8("zimg"));
