import type { Kind } from "./kind.ts";
import { SEEN } from "./seen.ts";

/** Every kind of change that the proof tries. */
export const KINDS: readonly Kind[] = [...SEEN];
