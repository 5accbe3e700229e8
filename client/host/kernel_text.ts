import { type Address, address, type TextOffset } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import type { CoreFile } from "./core_file.ts";

/**
 * The start of the 1 GiB in which x86-64 maps the kernel image (Documentation/arch/x86/x86_64/mm.rst: "kernel text
 * mapping"). Modules follow it. The addresses before `_text` and after `_end` are not mapped, so the memory there begins at
 * `_text`, wherever KASLR has placed it.
 */
const MAPPING_START = 0xffff_ffff_8000_0000n;
const MAPPING_END = 0xffff_ffff_c000_0000n;
/** The end of the range above the mapping, which belongs to modules. */
const MODULES_END = 0xffff_ffff_ff00_0000n;

/**
 * Opens the text mapping and the modules in a core file.
 *
 * @throws RebootlessError `unsupported` if the file does not have them.
 */
export function kernelText(core: CoreFile): TextMemory {
  const text = textStart(core);
  return {
    text,
    read(offset: TextOffset, length: number, room?: Uint8Array) {
      if (text + BigInt(offset + length) > MODULES_END) {
        throw new RebootlessError(
          "unsupported",
          `${counted(length, "byte")} at _text+${offset} are outside the kernel`,
        );
      }
      return core.read(text + BigInt(offset), length, room);
    },
  };
}

function textStart({ path, segments }: CoreFile): Address {
  const first = segments.find(({ start }) => start >= MAPPING_START && start < MAPPING_END);
  if (first !== undefined) return address(first.start);
  throw new RebootlessError("unsupported", `${path} has no segment for the kernel's text`, {
    hint: "It must have memory by virtual addresses: QEMU writes it in this way with `dump-guest-memory -p`.",
  });
}
