import { type TextOffset, textOffset } from "../../shared/brand.ts";
import type { KernelLandmarks } from "../../shared/runpre/fingerprint.ts";
import type { KernelImage } from "../image/kernel_image.ts";

/** What a host must know of the kernel as a whole to judge sites. Names that this kernel does not have are null. */
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
