import { type Address, address, type TextOffset } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import type { CoreFile } from "./core_file.ts";

/**
 * x86-64 maps the kernel image in the 1 GiB from here (Documentation/arch/x86/x86_64/mm.rst: "kernel text
 * mapping"); modules follow. What lies before `_text` and after `_end` is unmapped, so that memory there begins at
 * `_text`, wherever KASLR put that.
 */
const MAPPING_START = 0xffff_ffff_8000_0000n;
const MAPPING_END = 0xffff_ffff_c000_0000n;
/** Modules have what is above the mapping, up to here. */
const MODULES_END = 0xffff_ffff_ff00_0000n;

/** The text mapping and the modules in a core file. @throws RebootlessError `unsupported` where there is none. */
export function kernelText(core: CoreFile): TextMemory {
  const text = textStart(core);
  return {
    text,
    read(offset: TextOffset, length: number) {
      if (text + BigInt(offset + length) > MODULES_END) {
        throw new RebootlessError(
          "unsupported",
          `${counted(length, "byte")} at _text+${offset} lie outside of the kernel`,
        );
      }
      return core.read(text + BigInt(offset), length);
    },
  };
}

function textStart({ path, segments }: CoreFile): Address {
  const first = segments.find(({ start }) => start >= MAPPING_START && start < MAPPING_END);
  if (first !== undefined) return address(first.start);
  throw new RebootlessError("unsupported", `${path} has no segment for the kernel's text`, {
    hint: "Memory must be there by its virtual addresses: QEMU writes it so with `dump-guest-memory -p`.",
  });
}
