import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fingerprintWhole } from "../../publisher/fingerprint/kernel_file.ts";
import { landmarks } from "../../publisher/fingerprint/landmarks.ts";
import { openKernelImage } from "../../publisher/image/kernel_image.ts";
import { type Difference, functionChecker, type RunpreResult } from "../../shared/runpre/check.ts";
import type { FunctionFingerprint, KernelLandmarks } from "../../shared/runpre/fingerprint.ts";
import type { Kernel } from "../guest/machine.ts";
import { type Capture, captureMemory } from "./capture.ts";

/** Fingerprints of every place in a kernel's text that has a symbol, in the order of places: they cover it whole. */
export interface WholeKernel {
  readonly landmarks: KernelLandmarks;
  readonly functions: readonly FunctionFingerprint[];
  /** Bytes of text. */
  readonly size: number;
}

/** Throws RebootlessError for a function that cannot be fingerprinted: there must be none. */
export function fingerprintKernel({ vmlinuz }: Kernel): WholeKernel {
  const image = openKernelImage(new Uint8Array(readFileSync(vmlinuz)));
  const { functions, refused } = fingerprintWhole(image);
  if (refused[0] !== undefined) throw refused[0];
  return { landmarks: landmarks(image), functions, size: image.textEnd };
}

export interface Mismatch {
  readonly fn: FunctionFingerprint;
  readonly differences: readonly Difference[];
}

export type Checker = (fn: FunctionFingerprint) => RunpreResult;

const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

export const checkerOf = (kernel: WholeKernel, capture: Capture): Checker =>
  functionChecker(kernel.landmarks, captureMemory(capture), sha256);

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
