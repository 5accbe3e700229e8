import { type ObjectName, type TextOffset, VMLINUX } from "../../shared/brand.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import type { FunctionFingerprint, KernelLandmarks } from "../../shared/runpre/fingerprint.ts";

/** Functions of a kernel or of a module, in the order of their places, with what it takes to judge them. */
export interface FunctionSet {
  readonly kernel: KernelIdentity;
  /** Whose they are. */
  readonly object: { readonly name: ObjectName };
  readonly landmarks: KernelLandmarks;
  /** Of a module that was found in the running kernel (shared/runpre/module/bind.ts). */
  readonly moves?: readonly number[];
  readonly count: number;
  at(i: number): FunctionFingerprint;
  /** The same function's name and place alone. */
  name(i: number): string;
  offset(i: number): TextOffset;
}

/** Those that a kernel's updates replace, each once. */
export function setOfManifest({ kernel, landmarks, updates }: KernelManifest): FunctionSet {
  const byPlace = new Map<number, FunctionFingerprint>();
  for (const { objects } of updates) {
    for (const { name, functions } of objects) {
      if (name === VMLINUX) for (const fn of functions) byPlace.set(fn.offset, fn);
    }
  }
  return { kernel, landmarks, object: { name: VMLINUX }, ...functionList([...byPlace.values()]) };
}

type FunctionList = Pick<FunctionSet, "count" | "at" | "name" | "offset">;

/** In the order of their places. */
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
  };
}
