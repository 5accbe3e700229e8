import { closeSync, openSync, readSync } from "node:fs";
import { type Address, address, type TextOffset } from "../../shared/brand.ts";
import {
  PROGRAM_HEADERS_WINDOW,
  parseProgramHeaders,
  SEGMENT_TYPE,
} from "../../shared/elf/program_headers.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import { hasErrno } from "./files.ts";

const KCORE = "/proc/kcore";
/**
 * x86-64 maps the kernel image in the 1 GiB from here (Documentation/arch/x86/x86_64/mm.rst: "kernel text
 * mapping"); modules follow. The kcore segment that begins in it begins at `_text`, wherever KASLR put that.
 */
const TEXT_MAPPING_START = 0xffff_ffff_8000_0000n;
const TEXT_MAPPING_END = 0xffff_ffff_c000_0000n;

export interface KernelCore extends TextMemory {
  close(): void;
}

/** Opens the running kernel's memory. Throws `not_permitted` (rights, lockdown) or `unsupported`. */
export function openKernelCore(path: string = KCORE): KernelCore {
  const file = open(path);
  try {
    return textOf(file, path);
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function textOf(file: number, path: string): KernelCore {
  const window = readAt(file, 0, PROGRAM_HEADERS_WINDOW);
  const segment = parseProgramHeaders(window).find(
    ({ type, address: at }) =>
      type === SEGMENT_TYPE.load && at >= TEXT_MAPPING_START && at < TEXT_MAPPING_END,
  );
  if (!segment) {
    throw new RebootlessError("unsupported", `${path} has no segment for the kernel's text`);
  }
  return {
    text: address(segment.address) as Address,
    read(offset: TextOffset, length: number) {
      if (length < 0 || offset + length > segment.memorySize) {
        throw new RebootlessError(
          "unsupported",
          `${length} bytes at _text+${offset} lie outside of the kernel`,
        );
      }
      const bytes = readAt(file, segment.fileOffset + offset, length);
      if (bytes.length !== length) {
        throw new RebootlessError("io", `${path}: ${bytes.length} of ${length} bytes at _text+${offset}`);
      }
      return bytes;
    },
    close: () => closeSync(file),
  };
}

/** Up to `length` bytes; fewer only at the end of the file. */
function readAt(file: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let had = 0;
  while (had < length) {
    const count = readSync(file, bytes, had, length - had, position + had);
    if (count === 0) break;
    had += count;
  }
  return bytes.subarray(0, had);
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    if (hasErrno(cause, "EPERM")) {
      throw new RebootlessError("not_permitted", `the kernel does not let ${path} be opened`, {
        cause,
        hint: "Kernel lockdown in confidentiality mode, or a container, forbids reading kernel memory; without it no update can be checked.",
      });
    }
    if (hasErrno(cause, "EACCES")) {
      throw new RebootlessError("not_permitted", `cannot read ${path}`, { cause, hint: "Run as root." });
    }
    throw new RebootlessError("unsupported", `cannot read ${path}`, {
      cause,
      hint: "The kernel needs CONFIG_PROC_KCORE, and /proc must be mounted.",
    });
  }
}
