import { type ObjectName, type TextOffset, VMLINUX } from "../../shared/brand.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import type { FunctionRuns } from "../../shared/runpre/file/decode.ts";
import type { FunctionFingerprint, KernelLandmarks } from "../../shared/runpre/fingerprint.ts";

/** The functions of a kernel or a module, in the order of their offsets, with what is needed to check them. */
export interface FunctionSet {
  readonly kernel: KernelIdentity;
  /** The object that they belong to. */
  readonly object: { readonly name: ObjectName };
  readonly landmarks: KernelLandmarks;
  /** How far a module was moved in the running kernel (shared/runpre/module/bind.ts). */
  readonly moves?: readonly number[];
  readonly count: number;
  at(i: number): FunctionFingerprint;
  /** Only the name of function `i`, or only its place. */
  name(i: number): string;
  offset(i: number): TextOffset;
  size(i: number): number;
  /** The digests of neighbouring functions together, where there are any. */
  readonly runs: FunctionRuns | null;
}

/** Returns the functions of the kernel that its updates replace, each once. */
export function setOfManifest({ kernel, landmarks, updates }: KernelManifest): FunctionSet {
  const byPlace = new Map<number, FunctionFingerprint>();
  for (const { objects } of updates) {
    for (const { name, functions } of objects) {
      if (name === VMLINUX) for (const fn of functions) byPlace.set(fn.offset, fn);
    }
  }
  return { kernel, landmarks, object: { name: VMLINUX }, ...functionList([...byPlace.values()]) };
}

type FunctionList = Pick<FunctionSet, "count" | "at" | "name" | "offset" | "size" | "runs">;

/** Sorts functions by their offsets. */
export function functionList(unsorted: readonly FunctionFingerprint[]): FunctionList {
  const functions = [...unsorted].sort((a, b) => a.offset - b.offset);
  const at = (i: number): FunctionFingerprint => {
    const fn = functions[i];
    if (fn === undefined) throw new RangeError(`function ${i} of ${functions.length}`);
    return fn;
  };
  return {
    count: functions.length,
    at,
    name: (i) => at(i).name,
    offset: (i) => at(i).offset,
    size: (i) => at(i).size,
    runs: null,
  };
}
