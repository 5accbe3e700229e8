import { toHex } from "../bytes.ts";
import type { FunctionFingerprint, KernelLandmarks, TextMemory } from "./fingerprint.ts";
import { KernelState } from "./kernel_state.ts";
import { locate } from "./locator.ts";
import { isUnusedPadding } from "./sites/call_padding.ts";
import { undoSite, writeExpected } from "./sites/expected.ts";
import { isAttached, isLedFtraceCall } from "./sites/ftrace.ts";
import { isUndone, type JudgedSite, MAX_ALTERNATIVE_LENGTH, siteLength } from "./sites/site_kinds.ts";
import { isPlainReturn, mayBePlainReturn } from "./sites/static_call.ts";

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

/** In lower-case hex. */
export type Sha256 = (bytes: Uint8Array) => string;

const MATCH: RunpreResult = { result: "match" };
const ATTACHED: RunpreResult = { result: "attached" };
const NO_DIFFERENCES: readonly Difference[] = [];

/**
 * Run-pre matching of one function: what is in memory against what the distribution's image says must be there.
 * The kernel may be rewriting a site at this moment (an int3 for an instant): read again before a mismatch is believed.
 * @throws whatever `memory.read` throws; ParseError for a site that needs a landmark which there is not.
 */
export function checkFunction(
  fingerprint: FunctionFingerprint,
  landmarks: KernelLandmarks,
  memory: TextMemory,
  sha256: Sha256,
  moves?: readonly number[],
): RunpreResult {
  return functionChecker(landmarks, memory, sha256, moves)(fingerprint);
}

/**
 * The same for many functions: the kernel's variables are read once. They are those of one moment, so a mismatch is to
 * be checked again by `checkFunction`.
 * @param moves of the module whose functions they are (module/bind.ts); none for the kernel's own.
 */
export function functionChecker(
  landmarks: KernelLandmarks,
  memory: TextMemory,
  sha256: Sha256,
  moves?: readonly number[],
): (fingerprint: FunctionFingerprint) => RunpreResult {
  const kernel = new KernelState(landmarks, memory, moves);
  const scratch = new Scratch();
  return (fingerprint) => check(fingerprint, kernel, scratch, sha256);
}

/** Nearly all functions are smaller. */
const USUAL_SIZE = 4096;

/** Room that is used for one function after the other: 100,000 small buffers cost more than the rest of the work. */
class Scratch {
  readonly site = new Uint8Array(MAX_ALTERNATIVE_LENGTH);
  readonly #room = new Uint8Array(USUAL_SIZE);
  /** Views of the room by their length, as far as they were wanted. */
  readonly #views: Uint8Array[] = [];

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > USUAL_SIZE) return new Uint8Array(bytes);
    this.#room.set(bytes);
    const view = this.#views[length] ?? this.#room.subarray(0, length);
    this.#views[length] = view;
    return view;
  }
}

function check(
  fingerprint: FunctionFingerprint,
  kernel: KernelState,
  scratch: Scratch,
  sha256: Sha256,
): RunpreResult {
  const found = kernel.memory.read(fingerprint.offset, fingerprint.size);
  // A copy, as the memory may be a view of something shared.
  const body = scratch.copy(found);
  const differences: Difference[] = [];
  const hasAttached = normalise(fingerprint, kernel, body, scratch.site, differences);
  for (const difference of bodyDifferences(fingerprint, body, found, sha256)) differences.push(difference);
  if (differences.length > 0) {
    return { result: "mismatch", differences: differences.sort((a, b) => a.offset - b.offset) };
  }
  return hasAttached ? ATTACHED : MATCH;
}

/**
 * Judges every site, adds what is wrong to `differences`, and brings `body` to the form that the digest was made of.
 * Returns whether something is attached.
 */
function normalise(
  { offset, sites }: FunctionFingerprint,
  kernel: KernelState,
  body: Uint8Array,
  scratch: Uint8Array,
  differences: Difference[],
): boolean {
  let attached = false;
  for (const site of sites) {
    const { at } = site;
    if (isUndone(site)) {
      undoSite(kernel, site, body, at);
      continue;
    }
    const judged = site as JudgedSite;
    const length = siteLength(judged);
    writeExpected(kernel, judged, offset + at, scratch, 0);
    if (judged.kind === "ftrace" && isAttached(body, at)) attached = true;
    else if (!holds(body, at, scratch, length) && !isAllowed(kernel, judged, offset, body)) {
      const expected = toHex(scratch.subarray(0, length));
      differences.push({ offset: at, length, expected, found: toHex(body.subarray(at, at + length)) });
    }
    body.fill(0, at, at + length);
  }
  return attached;
}

function holds(body: Uint8Array, at: number, expected: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (body[at + i] !== expected[i]) return false;
  return true;
}

/** The few sites at which the kernel's history, which no variable tells, leaves a second value. */
function isAllowed(kernel: KernelState, site: JudgedSite, offset: number, body: Uint8Array): boolean {
  if (site.kind === "call_padding_open") return isUnusedPadding(body, site.at);
  if (site.kind === "ftrace_call") return isLedFtraceCall(kernel, offset + site.at, body, site.at);
  if (site.kind !== "static_call") return false;
  return mayBePlainReturn(kernel, site) && isPlainReturn(body, site.at);
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
  const expected = fingerprint.sha256; // 64 digits, or the first 32
  const isRight = (bytes: Uint8Array): boolean => sha256(bytes).startsWith(expected);
  if (isRight(body)) return NO_DIFFERENCES;
  const { corrected, changed, damaged, block } = locate(body, fingerprint.locator);
  if (damaged.length === 0 && isRight(corrected)) {
    return runs(changed).map(([start, end]) => exact(corrected, body, start, end));
  }
  const blocks = [...damaged, ...changed.map((at) => at - (at % block))].sort((a, b) => a - b);
  // Changes can cancel out in the check bytes of every block, never in the digest: then the whole function is named.
  if (blocks.length === 0) return [{ offset: 0, length: found.length, found: toHex(found) }];
  return blocks.map((offset) => {
    const bytes = found.subarray(offset, offset + block);
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
