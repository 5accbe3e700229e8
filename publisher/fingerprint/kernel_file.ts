import { createHash } from "node:crypto";
import { type Sha256Hex, sha256Hex, textOffset, VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeFingerprints } from "../../shared/runpre/file/encode.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import { digestedCode, fingerprintSymbol } from "./kernel_function.ts";
import { landmarks } from "./landmarks.ts";

/** The fingerprints of every function of a kernel. */
export interface WholeKernel {
  /**
   * The fingerprints by ascending offset, one for each place in the kernel's text that has a symbol. Except for the
   * functions in `refused` they cover all of the text.
   */
  readonly functions: readonly FunctionFingerprint[];
  /** The reasons why functions have no fingerprint, such as code that is rewritten in a way that is not understood. */
  readonly refused: readonly RebootlessError[];
}

export function fingerprintWhole(image: KernelImage): WholeKernel {
  const functions = new Map<number, FunctionFingerprint>();
  const refused: RebootlessError[] = [];
  let last = -1;
  for (const symbol of image.symbols.all) {
    const offset = Number(symbol.address - image.linkedText);
    if (offset <= last || offset >= image.textEnd) continue; // another name of the same place, or data
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

/** Encodes the fingerprint file of a kernel. @throws ParseError. */
export function kernelFile(image: KernelImage, { functions }: WholeKernel): Uint8Array {
  const { buildId, release } = image;
  return encodeFingerprints(
    {
      kernel: { buildId, release, architecture: "x86_64" },
      object: { name: VMLINUX, buildId, layout: null },
      landmarks: landmarks(image),
    },
    functions,
    (run) => digestOfRun(image, run),
  );
}

function digestOfRun(image: KernelImage, run: readonly FunctionFingerprint[]): Sha256Hex {
  const hash = createHash("sha256");
  for (const { offset, size, sites } of run) {
    hash.update(digestedCode(image, { start: offset, end: textOffset(offset + size) }, sites));
  }
  return sha256Hex(hash.digest("hex"));
}
