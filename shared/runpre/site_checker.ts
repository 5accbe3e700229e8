import type { KernelState } from "./kernel_state.ts";
import { isUnusedPadding } from "./sites/call_padding.ts";
import { undoSite, writeExpected } from "./sites/expected.ts";
import { isAttached, isLedFtraceCall } from "./sites/ftrace.ts";
import {
  type ComparedSite,
  isUndone,
  MAX_ALTERNATIVE_LENGTH,
  type Site,
  siteLength,
} from "./sites/site_kinds.ts";
import { isPlainReturn, mayBePlainReturn } from "./sites/static_call.ts";

/**
 * Compares single sites with what the kernel's state demands, and brings them into the form of which digests are
 * made.
 */
export class SiteChecker {
  /** The bytes that the site checked last should have, from 0 on. */
  readonly expected = new Uint8Array(MAX_ALTERNATIVE_LENGTH);
  readonly #kernel: KernelState;

  constructor(kernel: KernelState) {
    this.#kernel = kernel;
  }

  /**
   * Checks a site at `at` of some code, which is at `place` from `_text`. Unless it is wrong, it then has the form
   * of which digests are made: the value as linked, or zeros. `attached` is a call to a tracer or the like.
   * @throws ParseError for a landmark that the kernel does not have, and whatever reading throws.
   */
  settle(site: Site, code: Uint8Array, at: number, place: number): "right" | "attached" | "wrong" {
    if (isUndone(site)) {
      undoSite(this.#kernel, site, code, at);
      return "right";
    }
    const compared = site as ComparedSite;
    const length = siteLength(compared);
    writeExpected(this.#kernel, compared, place, this.expected, 0);
    const attached = compared.kind === "ftrace" && isAttached(code, at);
    if (!attached && !this.#holds(code, at, length) && !this.#isAllowed(compared, code, at, place))
      return "wrong";
    for (let i = at; i < at + length; i++) code[i] = 0;
    return attached ? "attached" : "right";
  }

  #holds(code: Uint8Array, at: number, length: number): boolean {
    const { expected } = this;
    for (let i = 0; i < length; i++) if (code[at + i] !== expected[i]) return false;
    return true;
  }

  /**
   * Tells whether a site holds a second permitted value. At a few sites the kernel's history, which no variable
   * tells, leaves one.
   */
  #isAllowed(site: ComparedSite, code: Uint8Array, at: number, place: number): boolean {
    if (site.kind === "call_padding_open") return isUnusedPadding(code, at);
    if (site.kind === "ftrace_call") return isLedFtraceCall(this.#kernel, place, code, at);
    if (site.kind !== "static_call") return false;
    return mayBePlainReturn(this.#kernel, site) && isPlainReturn(code, at);
  }
}
