import { equalBytes } from "../../bytes.ts";
import type { SiteJudge } from "./site.ts";

const NOP5 = Uint8Array.of(0x0f, 0x1f, 0x44, 0x00, 0x00);
const CALL = 0xe8;

/** A nop at rest. A call, to whatever trampoline, is somebody attached: state to report, the body is judged without it. */
export const judgeFtrace: SiteJudge = (_context, _offset, found) => {
  if (equalBytes(found, NOP5)) return { verdict: "rest" };
  return found[0] === CALL ? { verdict: "attached" } : { verdict: "other", expected: NOP5 };
};
