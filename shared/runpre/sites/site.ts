import type { KernelLandmarks, TextMemory } from "../fingerprint.ts";

/** What a site's judge may look at. */
export interface SiteContext {
  readonly landmarks: KernelLandmarks;
  readonly memory: TextMemory;
  /** The value of `x86_return_thunk`, read when it is first wanted: one function may have dozens of returns. */
  readonly returnThunk: () => bigint;
}

/**
 * `rest`: the one value that the host's state allows. `attached`: a tracer or a livepatch has put a call there.
 * `other`: neither; `expected` is the value at rest.
 */
export type SiteVerdict =
  | { readonly verdict: "rest" }
  | { readonly verdict: "attached" }
  | { readonly verdict: "other"; readonly expected: Uint8Array };

/** @param offset of the site from `_text`. @param found its bytes in memory. */
export type SiteJudge = (context: SiteContext, offset: number, found: Uint8Array) => SiteVerdict;
