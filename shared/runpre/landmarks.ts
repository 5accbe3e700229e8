import type { TextOffset } from "../brand.ts";

/**
 * The places of the variables by which a running kernel decides how to rewrite its code. They are offsets
 * from `_text`, and null for what this kernel does not have: a site that needs such a variable cannot be
 * checked.
 */
export interface PatchingLandmarks {
  /** The bits `boot_cpu_data.x86_capability`, by which alternatives are chosen. */
  readonly capabilities: TextOffset | null;
  /** The byte `uniproc_patched`, which is not 0 when lock prefixes were removed. */
  readonly uniprocessor: TextOffset | null;
  readonly paravirt: ParavirtLandmarks | null;
  readonly staticCalls: StaticCallLandmarks | null;
  readonly retpolines: RetpolineLandmarks | null;
  readonly callDepth: CallDepthLandmarks | null;
  /** The pointer `ftrace_trace_function`, which ftrace's own trampolines call. */
  readonly ftraceFunction: TextOffset | null;
}

/** The functions that pv_ops may point to and that are not simply called. */
export interface ParavirtLandmarks {
  /** The function that does nothing. Calls of it become nops. */
  readonly nop: TextOffset;
  /** The function that is called in place of a null pointer. */
  readonly bug: TextOffset;
}

export interface StaticCallLandmarks {
  /** The function `__static_call_return0`. Calls of it become `xor %eax,%eax`. */
  readonly returnZero: TextOffset;
  /** The function `__static_call_return`, the target of a conditional jump when there is nothing to call. */
  readonly return: TextOffset | null;
  /**
   * True if every site is written again once the return thunk is known (`static_call_force_reinit`, 6.12). In
   * older kernels, sites that were written earlier keep a plain return.
   */
  readonly reinitialised: boolean;
  /** The other functions of which a call becomes an instruction (6.19 and later). */
  readonly inlined: readonly InlinedFunction[];
}

export interface InlinedFunction {
  readonly function: TextOffset;
  /** The 5 bytes that a call of it becomes. */
  readonly code: Uint8Array;
}

export interface RetpolineLandmarks {
  /** The numbers of the features RETPOLINE, RETPOLINE_LFENCE and INDIRECT_THUNK_ITS. */
  readonly feature: number;
  readonly lfenceFeature: number;
  readonly itsFeature: number | null;
  /** The array `__x86_indirect_thunk_array`: 16 thunks, one for each register, at distances of `stride`. */
  readonly thunks: TextOffset;
  readonly stride: number;
  /** The same array for call depth tracking. */
  readonly callThunks: TextOffset | null;
  readonly jumpThunks: TextOffset | null;
  /** True if an inlined branch fills the room that is left with prefixes or int3, not with nops (6.18 and later). */
  readonly prefixed: boolean;
  /**
   * The branches that show where the thunks for ITS are. ITS has a thunk of its own for each branch, in pages
   * that the kernel allocates and whose addresses are in no variable. For each page, these are the first two
   * branches that use it, which must agree: [at, length, page offset of its thunk].
   */
  readonly itsPages: readonly (readonly ItsReference[])[];
}

export interface ItsReference {
  readonly at: TextOffset;
  readonly length: number;
  readonly thunk: number;
}

/**
 * The landmarks of call depth tracking (a mitigation for Skylake): calls go to code in the padding before the
 * called function.
 */
export interface CallDepthLandmarks {
  /** The byte `thunks_initialized`. */
  readonly state: TextOffset;
  /**
   * The code that is put into padding, as it would be linked at `_text`. Its operand is relative to its
   * place.
   */
  readonly code: Uint8Array;
  /** The functions that are called directly in spite of tracking: [from, to). */
  readonly exempt: readonly (readonly [TextOffset, TextOffset])[];
  /** The end of the text, `_etext`. */
  readonly textEnd: TextOffset;
  /** True if the operand of the code names a place that moves with the kernel (6.16 and later). */
  readonly movesWithKernel: boolean;
  /**
   * True if alternatives are applied after calls were led to padding, so that the calls that they write in the kernel's
   * own text go to the function itself (6.16 and later).
   */
  readonly beforeAlternatives: boolean;
}

/** The limit for numbers of features, more than the kernel's 16 + 2 words of features and bugs. */
export const MAX_FEATURE = 64 * 32;
/**
 * The most pages for ITS. A kernel has 14: of its 8,000 branches half need a thunk, and a page has 600
 * thunks.
 */
export const MAX_ITS_PAGES = 256;
export const MAX_EXEMPT = 64;
/** The most functions of which calls become instructions. Linux 7.3 has two. */
export const MAX_INLINED = 16;
/**
 * The length of one instruction: `sarq $5, %gs:X(%rip)`. Its operand of 4 bytes is relative to the
 * instruction's end.
 */
export const CALL_DEPTH_CODE = 9;
export const CALL_DEPTH_OPERAND = 4;
