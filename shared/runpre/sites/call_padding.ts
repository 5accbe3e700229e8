import { NOP } from "../../x86/opcodes.ts";
import { CALL_DEPTH_CODE } from "../landmarks.ts";
import type { WriteExpected } from "./site.ts";

/** Writes single-byte nops as linked, or the code of call depth tracking once the kernel has set that up. */
export const writeCallPadding: WriteExpected = (kernel, _site, place, out, at) => {
  if (kernel.tracksCallDepth()) kernel.writeCallDepthCode(place, out, at);
  else for (let i = 0; i < CALL_DEPTH_CODE; i++) out[at + i] = NOP;
};

/**
 * Tells whether the padding is as linked, which is allowed where no direct call is known that would have made
 * the kernel fill it.
 */
export const isUnusedPadding = (found: Uint8Array, at: number): boolean =>
  found.subarray(at, at + CALL_DEPTH_CODE).every((byte) => byte === NOP);
