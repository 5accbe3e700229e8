import { readFileSync } from "node:fs";
import { sha256Of } from "../../../node/crypto.ts";
import { fingerprintWhole, kernelFile } from "../../../publisher/fingerprint/kernel_file.ts";
import { type KernelImage, openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { type Difference, functionChecker, type RunpreResult } from "../../../shared/runpre/check.ts";
import { openFingerprints } from "../../../shared/runpre/file/decode.ts";
import type { FunctionFingerprint, KernelLandmarks } from "../../../shared/runpre/fingerprint.ts";
import type { Kernel } from "../../support/guest/machine.ts";
import { type Capture, captureMemory } from "./capture.ts";

/**
 * Fingerprints of every place in a kernel's text that has a symbol, in the order of places. Together with what is refused
 * they cover it whole.
 */
export interface WholeKernel {
  readonly landmarks: KernelLandmarks;
  readonly functions: readonly FunctionFingerprint[];
  /** The functions that have no fingerprint, each with the reason. */
  readonly refused: readonly string[];
  /** Bytes of text. */
  readonly size: number;
  /** Where the functions of a name are, rising; several names may be those of one place. */
  readonly places: ReadonlyMap<string, readonly number[]>;
  /** Places of functions that start with a call to __fentry__. */
  readonly traceable: ReadonlySet<number>;
}

/** As hosts get it: in a fingerprint file. */
export function fingerprintKernel({ vmlinuz }: Kernel): WholeKernel {
  const image = openKernelImage(new Uint8Array(readFileSync(vmlinuz)));
  const made = fingerprintWhole(image);
  const file = openFingerprints(kernelFile(image, made));
  const functions = [...file.functions()];
  const traceable = functions.filter(({ sites }) => sites.some(({ kind }) => kind === "ftrace"));
  return {
    landmarks: file.landmarks,
    functions,
    refused: made.refused.map(({ message }) => message),
    size: image.textEnd,
    places: placesOf(image),
    traceable: new Set(traceable.map(({ offset }) => offset)),
  };
}

function placesOf(image: KernelImage): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const { name, address } of image.symbols.all) {
    const place = Number(address - image.linkedText);
    const known = places.get(name);
    if (known === undefined) places.set(name, [place]);
    else if (!known.includes(place)) known.push(place);
  }
  return places;
}

/** The function that a place from `_text` is part of. */
export function functionAt(
  functions: readonly FunctionFingerprint[],
  place: number,
): FunctionFingerprint | undefined {
  let low = 0;
  let high = functions.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((functions[middle]?.offset ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  const fn = functions[low];
  return fn !== undefined && place >= fn.offset && place < fn.offset + fn.size ? fn : undefined;
}

export interface Mismatch {
  readonly fn: FunctionFingerprint;
  readonly differences: readonly Difference[];
}

export type Checker = (fn: FunctionFingerprint) => RunpreResult;

export const checkerOf = (kernel: WholeKernel, capture: Capture): Checker =>
  functionChecker(kernel.landmarks, captureMemory(capture), sha256Of);

/** The functions that are not as they should be; something attached counts as such. */
export function mismatches(check: Checker, functions: readonly FunctionFingerprint[]): readonly Mismatch[] {
  return functions.flatMap((fn) => {
    const result = check(fn);
    if (result.result === "match") return [];
    return [{ fn, differences: result.result === "mismatch" ? result.differences : [] }];
  });
}

/** The kind of site that a difference is at, or `code`. */
export function causeOf({ fn, differences }: Mismatch): string {
  const causes = differences.map(({ offset }) => fn.sites.find((site) => site.at === offset)?.kind ?? "code");
  return [...new Set(causes)].sort().join("+") || "attached";
}
