import { textOffset } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { equalBytes } from "../../bytes.ts";
import { ParseError } from "../../errors.ts";
import type { KernelLandmarks, TextMemory } from "../fingerprint.ts";
import type { SiteContext, SiteJudge } from "./site.ts";

const PLAIN_RETURN = Uint8Array.of(0xc3, 0xcc, 0xcc, 0xcc, 0xcc);
const JUMP = 0xe9;
const JUMP_LENGTH = 5;
// With Indirect Target Selection only returns in the lower half of a 64-byte cache line are unsafe
// (Linux, arch/x86/kernel/alternative.c, cpu_wants_rethunk_at()). KASLR moves by 2 MiB and keeps the bit.
const UPPER_HALF = 0x20n;

/** A plain `ret`, or a jump to the thunk in force: the kernel's own variable says which, so one value is allowed. */
export const judgeReturnThunk: SiteJudge = (context, offset, found) => {
  const expected = expectedReturn(context, offset);
  return equalBytes(found, expected) ? { verdict: "rest" } : { verdict: "other", expected };
};

function expectedReturn(context: SiteContext, offset: number): Uint8Array {
  const { returnThunkDefault, returnThunkIts } = context.landmarks;
  const { text } = context.memory;
  const site = text + BigInt(offset);
  const thunk = context.returnThunk();
  const isAt = (landmark: number | null): boolean => landmark !== null && thunk === text + BigInt(landmark);
  if (isAt(returnThunkDefault)) return PLAIN_RETURN;
  if (isAt(returnThunkIts) && (site & UPPER_HALF) !== 0n) return PLAIN_RETURN;
  return jumpTo(thunk, site);
}

/** The value of the kernel's variable `x86_return_thunk`: an address. Throws ParseError if the kernel has no such variable. */
export function readReturnThunk(landmarks: KernelLandmarks, memory: TextMemory): bigint {
  const variable = landmarks.returnThunkVariable;
  if (variable === null) throw new ParseError("a return thunk site in a kernel without x86_return_thunk");
  return new ByteReader(memory.read(textOffset(variable), 8), "x86_return_thunk").u64();
}

function jumpTo(target: bigint, site: bigint): Uint8Array {
  const distance = Number(BigInt.asUintN(32, target - site - BigInt(JUMP_LENGTH)));
  return Uint8Array.of(JUMP, distance, distance >>> 8, distance >>> 16, distance >>> 24);
}
