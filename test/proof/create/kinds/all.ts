import { CODE } from "./code.ts";
import type { Kind } from "./kind.ts";
import { LAYOUTS } from "./layouts.ts";
import { LEFT_OUT } from "./left_out.ts";
import { REFUSED } from "./refused.ts";
import { SEEN } from "./seen.ts";

/** Every kind of change that the proof tries. */
export const KINDS: readonly Kind[] = [...SEEN, ...CODE, ...LAYOUTS, ...REFUSED, ...LEFT_OUT];
