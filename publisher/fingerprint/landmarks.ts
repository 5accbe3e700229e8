import { type TextOffset, textOffset } from "../../shared/brand.ts";
import type { KernelLandmarks } from "../../shared/runpre/fingerprint.ts";
import type { KernelSymbol } from "../image/kallsyms.ts";
import type { KernelImage } from "../image/kernel_image.ts";

/**
 * Returns the facts about the kernel as a whole that a host needs in order to verify sites. Landmarks that this kernel
 * does not have are null.
 */
export function landmarks(image: KernelImage): KernelLandmarks {
  const offsetOf = (symbol: KernelSymbol | undefined): TextOffset | null =>
    symbol === undefined ? null : textOffset(Number(symbol.address - image.linkedText));
  const place = (name: string): TextOffset | null => offsetOf(image.symbols.only(name));
  // A kernel without CONFIG_MITIGATION_ITS has an empty static function of this name in several files instead
  // (arch/x86/include/asm/nospec-branch.h, Linux 7.3), which is never in force.
  const [its, ...others] = image.symbols.named("its_return_thunk");
  return {
    linkedText: image.linkedText,
    returnThunkVariable: place("x86_return_thunk"),
    returnThunkDefault: place("__x86_return_thunk"),
    returnThunkIts: others.length > 0 ? null : offsetOf(its),
    patching: image.patching,
  };
}
