import { textOffset } from "../brand.ts";
import { toHex } from "../bytes.ts";
import {
  type FunctionFingerprint,
  type KernelLandmarks,
  SITE_LENGTH,
  type TextMemory,
} from "./fingerprint.ts";
import { BLOCK, locate } from "./locator.ts";
import { judgeFtrace } from "./sites/ftrace.ts";
import { isRelocation, type RelocationKind, undoRelocation } from "./sites/relocation.ts";
import { judgeReturnThunk, readReturnThunk } from "./sites/return_thunk.ts";
import type { SiteContext, SiteJudge } from "./sites/site.ts";

/** Bytes that are not what they should be. `offset` from the function's start; hex. `expected` when it is known for sure. */
export interface Difference {
  readonly offset: number;
  readonly length: number;
  readonly expected?: string;
  readonly found: string;
}

/**
 * `attached`: the code is what it should be, and a tracer, a probe or a livepatch is attached at its entry.
 */
export type RunpreResult =
  | { readonly result: "match" }
  | { readonly result: "attached" }
  | { readonly result: "mismatch"; readonly differences: readonly Difference[] };

const JUDGES: Readonly<Record<Exclude<keyof typeof SITE_LENGTH, RelocationKind>, SiteJudge>> = {
  ftrace: judgeFtrace,
  return_thunk: judgeReturnThunk,
};

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * Run-pre matching of one function: what is in memory against what the distribution's image says must be there.
 * The kernel may be rewriting a site at this moment (an int3 for an instant): read again before a mismatch is believed.
 * @throws whatever `memory.read` throws; ParseError for a return thunk site without the landmark of its variable.
 */
export function checkFunction(
  fingerprint: FunctionFingerprint,
  landmarks: KernelLandmarks,
  memory: TextMemory,
  sha256: Sha256,
): RunpreResult {
  // A copy, as the memory may be a view of something shared.
  const body = new Uint8Array(memory.read(fingerprint.offset, fingerprint.size));
  const found = new Uint8Array(body);
  const sites = normalise(fingerprint, siteContext(landmarks, memory), body);
  const differences = [...sites.differences, ...bodyDifferences(fingerprint, body, found, sha256)];
  if (differences.length > 0) {
    return { result: "mismatch", differences: differences.sort((a, b) => a.offset - b.offset) };
  }
  return { result: sites.attached ? "attached" : "match" };
}

function siteContext(landmarks: KernelLandmarks, memory: TextMemory): SiteContext {
  let thunk: bigint | undefined;
  return {
    landmarks,
    memory,
    returnThunk: () => {
      thunk ??= readReturnThunk(landmarks, memory);
      return thunk;
    },
  };
}

/** Judges every site and brings `body` to the form that the digest was made of. */
function normalise(
  { offset, sites }: FunctionFingerprint,
  context: SiteContext,
  body: Uint8Array,
): { readonly differences: readonly Difference[]; readonly attached: boolean } {
  const displacement = context.memory.text - context.landmarks.linkedText;
  const differences: Difference[] = [];
  let attached = false;
  for (const { kind, at } of sites) {
    if (isRelocation(kind)) {
      undoRelocation(body, kind, at, displacement);
      continue;
    }
    const length = SITE_LENGTH[kind];
    const found = body.slice(at, at + length);
    body.fill(0, at, at + length);
    const verdict = JUDGES[kind](context, textOffset(offset + at), found);
    if (verdict.verdict === "attached") attached = true;
    if (verdict.verdict === "other") {
      differences.push({ offset: at, length, expected: toHex(verdict.expected), found: toHex(found) });
    }
  }
  return { differences, attached };
}

/**
 * Empty if the digest is right. Else each differing byte if the locator finds them all, which the digest proves;
 * or else every block in which something differs.
 */
function bodyDifferences(
  fingerprint: FunctionFingerprint,
  body: Uint8Array,
  found: Uint8Array,
  sha256: Sha256,
): readonly Difference[] {
  const isRight = (bytes: Uint8Array): boolean => toHex(sha256(bytes)) === fingerprint.sha256;
  if (isRight(body)) return [];
  const { corrected, changed, damaged } = locate(body, fingerprint.locator);
  if (damaged.length === 0 && isRight(corrected)) {
    return runs(changed).map(([start, end]) => exact(corrected, body, start, end));
  }
  const blocks = [...damaged, ...changed.map((at) => at - (at % BLOCK))].sort((a, b) => a - b);
  // Changes can cancel out in the check bytes of every block, never in the digest: then the whole function is named.
  if (blocks.length === 0) return [{ offset: 0, length: found.length, found: toHex(found) }];
  return blocks.map((offset) => {
    const bytes = found.subarray(offset, offset + BLOCK);
    return { offset, length: bytes.length, found: toHex(bytes) };
  });
}

/** Values as the normalised code has them: within a relocated address, that is the address as linked. */
const exact = (corrected: Uint8Array, body: Uint8Array, start: number, end: number): Difference => ({
  offset: start,
  length: end - start,
  expected: toHex(corrected.subarray(start, end)),
  found: toHex(body.subarray(start, end)),
});

/** Rising places as [start, end) runs. */
function runs(places: readonly number[]): readonly (readonly [number, number])[] {
  const out: [number, number][] = [];
  for (const place of places) {
    const last = out.at(-1);
    if (last !== undefined && last[1] === place) last[1] = place + 1;
    else out.push([place, place + 1]);
  }
  return out;
}
