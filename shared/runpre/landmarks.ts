import type { TextOffset } from "../brand.ts";

/**
 * Places of the variables by which a running kernel decides what it makes of its code. Offsets from `_text`; null for
 * what this kernel does not have: a site that needs it cannot be judged.
 */
export interface PatchingLandmarks {
  /** The bits `boot_cpu_data.x86_capability`: alternatives are chosen by them. */
  readonly capabilities: TextOffset | null;
  /** The byte `uniproc_patched`: not 0 when lock prefixes were taken out. */
  readonly uniprocessor: TextOffset | null;
  readonly paravirt: ParavirtLandmarks | null;
  readonly staticCalls: StaticCallLandmarks | null;
  readonly retpolines: RetpolineLandmarks | null;
  readonly callDepth: CallDepthLandmarks | null;
  /** The pointer `ftrace_trace_function`: what ftrace's own trampolines call. */
  readonly ftraceFunction: TextOffset | null;
}

/** Functions that pv_ops may point to and that are not simply called. */
export interface ParavirtLandmarks {
  /** Does nothing: calls of it become nops. */
  readonly nop: TextOffset;
  /** Is called in place of a null pointer. */
  readonly bug: TextOffset;
}

export interface StaticCallLandmarks {
  /** `__static_call_return0`: calls of it become `xor %eax,%eax`. */
  readonly returnZero: TextOffset;
  /** `__static_call_return`: what a conditional jump goes to when there is nothing to call. */
  readonly return: TextOffset | null;
  /**
   * Whether every site is written anew once the return thunk is known (`static_call_force_reinit`, 6.12). Before, sites
   * that were written earlier keep a plain return.
   */
  readonly reinitialised: boolean;
}

export interface RetpolineLandmarks {
  /** Numbers of the features RETPOLINE, RETPOLINE_LFENCE and INDIRECT_THUNK_ITS. */
  readonly feature: number;
  readonly lfenceFeature: number;
  readonly itsFeature: number | null;
  /** `__x86_indirect_thunk_array`: 16 thunks, one for each register, at distances of `stride`. */
  readonly thunks: TextOffset;
  readonly stride: number;
  /** The same for call depth tracking. */
  readonly callThunks: TextOffset | null;
  readonly jumpThunks: TextOffset | null;
  /**
   * ITS has a thunk of its own for each branch, in pages that the kernel allocates. Where those lie is in no variable;
   * for each page, the first two branches that use it say so, and must agree. [at, length, page offset of its thunk].
   */
  readonly itsPages: readonly (readonly ItsReference[])[];
}

export interface ItsReference {
  readonly at: TextOffset;
  readonly length: number;
  readonly thunk: number;
}

/** Call depth tracking (a mitigation for Skylake): calls go to code in the padding before the function called. */
export interface CallDepthLandmarks {
  /** The byte `thunks_initialized`. */
  readonly state: TextOffset;
  /** The code put into padding, as it would be linked at `_text`: its operand is relative to its place. */
  readonly code: Uint8Array;
  /** Functions that are called directly all the same: [from, to). */
  readonly exempt: readonly (readonly [TextOffset, TextOffset])[];
  /** `_etext`. */
  readonly textEnd: TextOffset;
}

/** More than the kernel's 16 + 2 words of features and bugs. */
export const MAX_FEATURE = 64 * 32;
/** 8,000 branches of which half need a thunk, 600 thunks in a page: 14. */
export const MAX_ITS_PAGES = 256;
export const MAX_EXEMPT = 64;
/** One instruction: `sarq $5, %gs:X(%rip)`; its operand of 4 bytes is relative to the instruction's end. */
export const CALL_DEPTH_CODE = 9;
export const CALL_DEPTH_OPERAND = 4;
