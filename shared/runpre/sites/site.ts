import type { KernelState } from "../kernel_state.ts";
import type { Site } from "./site_kinds.ts";

/**
 * Writes the bytes that the kernel's state permits at a site to `out`, from `at` on.
 * @param place the site's distance in bytes from `_text`.
 */
export type WriteExpected<S extends Site = Site> = (
  kernel: KernelState,
  site: S,
  place: number,
  out: Uint8Array,
  at: number,
) => void;
