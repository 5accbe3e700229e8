import { VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeFingerprints } from "../../shared/runpre/file/encode.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import { fingerprintSymbol } from "./kernel_function.ts";
import { landmarks } from "./landmarks.ts";

/** What every function of a kernel must look like. */
export interface WholeKernel {
  /** In the order of places; one for each place in the text that has a symbol. They cover it whole, but for `refused`. */
  readonly functions: readonly FunctionFingerprint[];
  /** Why there is no fingerprint of a function: its code is rewritten in a way that is not understood. */
  readonly refused: readonly RebootlessError[];
}

export function fingerprintWhole(image: KernelImage): WholeKernel {
  const functions = new Map<number, FunctionFingerprint>();
  const refused: RebootlessError[] = [];
  let last = -1;
  for (const symbol of image.symbols.all) {
    const offset = Number(symbol.address - image.linkedText);
    if (offset <= last || offset >= image.textEnd) continue; // another name of the same place, or not code
    last = offset;
    try {
      functions.set(offset, fingerprintSymbol(image, symbol));
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      refused.push(error);
    }
  }
  return { functions: [...functions.values()], refused };
}

/** A fingerprint file. @throws ParseError. */
export function kernelFile(image: KernelImage, { functions }: WholeKernel): Uint8Array {
  const { buildId, release } = image;
  return encodeFingerprints(
    {
      kernel: { buildId, release, architecture: "x86_64" },
      object: { name: VMLINUX, buildId, layout: null },
      landmarks: landmarks(image),
    },
    functions,
  );
}
