import { type TextOffset, textOffset } from "../../shared/brand.ts";
import type { KernelLandmarks } from "../../shared/runpre/fingerprint.ts";
import type { KernelImage } from "../image/kernel_image.ts";

/**
 * Returns the facts about the kernel as a whole that a host needs in order to verify sites. Landmarks that this kernel
 * does not have are null.
 */
export function landmarks(image: KernelImage): KernelLandmarks {
  const place = (name: string): TextOffset | null => {
    const symbol = image.symbols.only(name);
    return symbol === undefined ? null : textOffset(Number(symbol.address - image.linkedText));
  };
  return {
    linkedText: image.linkedText,
    returnThunkVariable: place("x86_return_thunk"),
    returnThunkDefault: place("__x86_return_thunk"),
    returnThunkIts: place("its_return_thunk"),
    patching: image.patching,
  };
}
