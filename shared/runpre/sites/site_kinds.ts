import type { TextOffset } from "../../brand.ts";

/**
 * Kinds of sites that are fully described by their place.
 *
 * - `reloc32`, `reloc64`: an absolute address that KASLR moved by the kernel's displacement (4 or 8 bytes).
 * - `reloc32neg`: a per-CPU relative address that moved the other way (4 bytes).
 * - `call`: a call that goes to the padding before its function while call depth is tracked (5 bytes).
 * - `ftrace`: the call to `__fentry__` (5 bytes): a nop at rest, a call while something is attached.
 * - `ftrace_call`: a call in ftrace's own trampolines, of `ftrace_trace_function` (5 bytes).
 * - `return_thunk`: the jump to `__x86_return_thunk` (5 bytes): `ret` and int3, or a jump to the thunk in force.
 * - `return_thunk_moved`: the same, written in the other half of a cache line and copied here afterwards.
 * - `smp_lock`: a lock prefix, or a segment prefix while there is one processor (1 byte).
 * - `call_padding`: nops, or while call depth is tracked its code (9 bytes).
 * - `call_padding_open`: the same where only pointers lead to the function, so that the nops may have stayed.
 */
export const PLAIN_LENGTH = {
  reloc32: 4,
  reloc64: 8,
  reloc32neg: 4,
  call: 5,
  ftrace: 5,
  ftrace_call: 5,
  return_thunk: 5,
  return_thunk_moved: 5,
  smp_lock: 1,
  call_padding: 9,
  call_padding_open: 9,
} as const;
export type PlainKind = keyof typeof PLAIN_LENGTH;
export const PLAIN_KINDS = Object.keys(PLAIN_LENGTH) as readonly PlainKind[];
export const isPlainKind = (kind: string): kind is PlainKind => Object.hasOwn(PLAIN_LENGTH, kind);

/**
 * A site of a plain kind. `at` counts from the start of the function, or of the alternative that holds the
 * site.
 */
export interface PlainSite {
  readonly kind: PlainKind;
  readonly at: number;
}

/**
 * A branch on a static key: a jump when the key is on, or when it is off if the key's usual state is on
 * (`branch`).
 */
export interface JumpLabelSite {
  readonly kind: "jump_label";
  readonly at: number;
  readonly length: 2 | 5;
  /** The target's distance from the site's start. */
  readonly target: number;
  readonly key: TextOffset;
  readonly branch: boolean;
}

/**
 * A call through a static call's key: `call`, `tail` (a jump at a function's end), `trampoline` (the jump for callers
 * that are not patched), or `conditional` (only the operand of a conditional jump, 4 bytes).
 */
export interface StaticCallSite {
  readonly kind: "static_call";
  readonly at: number;
  readonly form: StaticCallForm;
  /** The key, whose first 8 bytes are the pointer `func`. */
  readonly key: TextOffset;
  /** True if nothing is called as linked. A `trampoline` is then linked as a return. */
  readonly initiallyNull: boolean;
}
export const STATIC_CALL_FORMS = ["call", "tail", "trampoline", "conditional"] as const;
export type StaticCallForm = (typeof STATIC_CALL_FORMS)[number];

/** A call through a pointer of pv_ops, which the kernel makes direct. */
export interface ParavirtSite {
  readonly kind: "paravirt";
  readonly at: number;
  readonly length: number;
  readonly pointer: TextOffset;
}

/** A call, jump or conditional jump through a register, by way of a thunk if the CPU needs one. */
export interface RetpolineSite {
  readonly kind: "retpoline";
  readonly at: number;
  /** The length: 6 with a CS prefix, or for a conditional jump. */
  readonly length: 5 | 6;
  /** The opcode: e8 for a call, e9 for a jump, 80-8f for a conditional jump (the byte after 0f). */
  readonly opcode: number;
  readonly register: number;
  /**
   * The place where ITS puts the thunk of this branch: 4096 times the page's number, plus the place in it.
   * Null if it needs none.
   */
  readonly its: number | null;
}

/**
 * An immediate operand with the value of a variable, or with what another operand has: the constants that have no
 * variable are the same everywhere.
 */
export interface RuntimeConstantSite {
  readonly kind: "runtime_constant";
  readonly at: number;
  readonly length: 1 | 8;
  readonly variable: TextOffset;
}

/** An immediate operand with the lower half of a variable of 8 bytes (4 bytes). */
export interface RuntimeMaskSite {
  readonly kind: "runtime_mask";
  readonly at: number;
  readonly variable: TextOffset;
}

/**
 * An operand or address of a module that its loader filled in. It moved with what it refers to, and with the
 * module.
 */
export interface MovedSite {
  readonly kind: "moved";
  readonly at: number;
  readonly length: 4 | 8;
  /** The number, in the module's layout, of what it refers to. */
  readonly base: number;
  /** True if the value is relative to its own place. */
  readonly relative: boolean;
}

/**
 * A call out of a module's own code. While call depth is tracked it also goes to padding as a `call` does (5
 * bytes).
 */
export interface MovedCallSite {
  readonly kind: "moved_call";
  readonly at: number;
  readonly base: number;
}

/** Code chosen by CPU features: that of the first form whose condition holds. */
export interface AlternativeSite {
  readonly kind: "alternative";
  readonly at: number;
  readonly length: number;
  /** The forms. The last one, and only that one, has no condition. */
  readonly forms: readonly AlternativeForm[];
}

export interface AlternativeForm {
  readonly condition: FeatureCondition | null;
  /** The code as linked, with zeroes at sites that are compared by value. */
  readonly code: Uint8Array;
  /** The sites in the code, never an alternative: the kernel's nested ones are forms of one site. */
  readonly sites: readonly Site[];
}

export interface FeatureCondition {
  readonly feature: number;
  readonly present: boolean;
}

export type Site = PlainSite | StructuredSite;
/** A site of which the place does not say everything. */
export type StructuredSite =
  | JumpLabelSite
  | StaticCallSite
  | ParavirtSite
  | RetpolineSite
  | RuntimeConstantSite
  | RuntimeMaskSite
  | MovedSite
  | MovedCallSite
  | AlternativeSite;
export type SiteKind = Site["kind"];

/** The longest alternative, as its instrlen is a byte. */
export const MAX_ALTERNATIVE_LENGTH = 255;
/** The most forms. Nested alternatives have 4 at most. */
export const MAX_FORMS = 16;
/**
 * The longest site of pv_ops, which is the longest nop instruction (code.ts). Calls through pv_ops have 6 or
 * 7 bytes.
 */
export const MAX_PARAVIRT_LENGTH = 11;

export const RUNTIME_MASK_LENGTH = 4;

export function siteLength(site: Site): number {
  switch (site.kind) {
    case "jump_label":
    case "paravirt":
    case "retpoline":
    case "runtime_constant":
    case "moved":
    case "alternative":
      return site.length;
    case "moved_call":
      return 5;
    case "runtime_mask":
      return RUNTIME_MASK_LENGTH;
    case "static_call":
      return site.form === "conditional" ? 4 : 5;
    default:
      return PLAIN_LENGTH[site.kind];
  }
}

/** The kinds that are undone in place. Their value as linked is part of the digest. */
const UNDONE = {
  reloc32: true,
  reloc64: true,
  reloc32neg: true,
  call: true,
  moved: true,
  moved_call: true,
} as const;
export type UndoneKind = keyof typeof UNDONE;
export type UndoneSite =
  | (PlainSite & { readonly kind: Extract<UndoneKind, PlainKind> })
  | MovedSite
  | MovedCallSite;
export type ComparedSite =
  | Exclude<Site, PlainSite | MovedSite | MovedCallSite>
  | (PlainSite & { readonly kind: Exclude<PlainKind, UndoneKind> });

export const isUndone = (site: Site): site is UndoneSite => UNDONE[site.kind as UndoneKind] === true;

/**
 * Sets the bytes of every site that is compared by value to zero, which is the form in which code is
 * digested.
 */
export function clearSites(code: Uint8Array, sites: readonly Site[]): void {
  for (const site of sites) if (!isUndone(site)) code.fill(0, site.at, site.at + siteLength(site));
}

/** Tells whether code has that form. */
export function isCleared(code: Uint8Array, sites: readonly Site[]): boolean {
  for (const site of sites) {
    if (isUndone(site)) continue;
    for (let at = site.at; at < site.at + siteLength(site); at++) if (code[at] !== 0) return false;
  }
  return true;
}
