import { LOCK } from "../../x86/opcodes.ts";
import type { WriteExpected } from "./site.ts";

const DATA_SEGMENT = 0x3e; // a prefix without effect

/**
 * Writes a lock prefix, which is replaced while one processor runs and no other is near (alternative.c,
 * alternatives_smp_unlock()).
 */
export const writeLock: WriteExpected = (kernel, _site, _place, out, at) => {
  out[at] = kernel.isUniprocessor() ? DATA_SEGMENT : LOCK;
};
