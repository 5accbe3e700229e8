import { toHex } from "../bytes.ts";
import type { FunctionFingerprint, KernelLandmarks, TextMemory } from "./fingerprint.ts";
import { KernelState } from "./kernel_state.ts";
import { locate } from "./locator.ts";
import { SiteChecker } from "./site_checker.ts";
import { siteLength } from "./sites/site_kinds.ts";

/**
 * Bytes that are not what they should be, in hex. `offset` counts from the function's start. `expected` is
 * present if it is known for certain.
 */
export interface Difference {
  readonly offset: number;
  readonly length: number;
  readonly expected?: string;
  readonly found: string;
}

/**
 * The result of a check. `attached` means that the code is as it should be, and that a tracer, a probe or a
 * livepatch is attached at its entry.
 */
export type RunpreResult =
  | { readonly result: "match" }
  | { readonly result: "attached" }
  | { readonly result: "mismatch"; readonly differences: readonly Difference[] };

/** Returns a SHA-256 in lower-case hex. */
export type Sha256 = (bytes: Uint8Array) => string;

const MATCH: RunpreResult = { result: "match" };
const ATTACHED: RunpreResult = { result: "attached" };
const NO_DIFFERENCES: readonly Difference[] = [];

/**
 * Does the run-pre matching of one function: compares the memory with what the distribution's image says must
 * be there. The kernel may be rewriting a site at this moment (an int3 for an instant), so read again before
 * a mismatch is believed. Errors of `memory.read` pass through.
 * @throws ParseError for a site that needs a landmark which the kernel does not have.
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
 * Returns a checker of many functions, which does the same but reads the kernel's variables once. They are
 * those of one moment, so a mismatch must be checked again by `checkFunction`.
 * @param moves those of the module that has the functions (module/bind.ts); absent for the kernel's own
 * functions.
 */
export function functionChecker(
  landmarks: KernelLandmarks,
  memory: TextMemory,
  sha256: Sha256,
  moves?: readonly number[],
): (fingerprint: FunctionFingerprint) => RunpreResult {
  const checker = new SiteChecker(new KernelState(landmarks, memory, moves));
  const scratch = new Scratch();
  return (fingerprint) => check(fingerprint, memory, checker, scratch, sha256);
}

/** The size that nearly all functions stay below. */
const USUAL_SIZE = 4096;

/**
 * A buffer that is used for one function after the other: 100,000 small buffers cost more than the rest of
 * the work.
 */
class Scratch {
  readonly #room = new Uint8Array(USUAL_SIZE);
  /** Views of the buffer by their length, created when first needed. */
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
  memory: TextMemory,
  checker: SiteChecker,
  scratch: Scratch,
  sha256: Sha256,
): RunpreResult {
  const found = memory.read(fingerprint.offset, fingerprint.size);
  // This is a copy, because the memory may be a view of something shared.
  const body = scratch.copy(found);
  const differences: Difference[] = [];
  const hasAttached = normalise(fingerprint, checker, body, differences);
  for (const difference of bodyDifferences(fingerprint, body, found, sha256)) differences.push(difference);
  if (differences.length > 0) {
    return { result: "mismatch", differences: differences.sort((a, b) => a.offset - b.offset) };
  }
  return hasAttached ? ATTACHED : MATCH;
}

/**
 * Checks every site, adds what is wrong to `differences`, and brings `body` into the form of which the digest
 * was made. Returns true if something is attached.
 */
function normalise(
  { offset, sites }: FunctionFingerprint,
  checker: SiteChecker,
  body: Uint8Array,
  differences: Difference[],
): boolean {
  let attached = false;
  for (const site of sites) {
    const { at } = site;
    const finding = checker.settle(site, body, at, offset + at);
    if (finding === "attached") attached = true;
    if (finding !== "wrong") continue;
    const length = siteLength(site);
    const expected = toHex(checker.expected.subarray(0, length));
    differences.push({ offset: at, length, expected, found: toHex(body.subarray(at, at + length)) });
    body.fill(0, at, at + length);
  }
  return attached;
}

/**
 * Returns [] if the digest is right. Otherwise returns each differing byte if the locator finds them all,
 * which the digest proves, or else every block in which something differs.
 */
function bodyDifferences(
  fingerprint: FunctionFingerprint,
  body: Uint8Array,
  found: Uint8Array,
  sha256: Sha256,
): readonly Difference[] {
  const expected = fingerprint.sha256; // 64 digits, or the first 32 of them
  const isRight = (bytes: Uint8Array): boolean => sha256(bytes).startsWith(expected);
  if (isRight(body)) return NO_DIFFERENCES;
  const { corrected, changed, damaged, block } = locate(body, fingerprint.locator);
  if (damaged.length === 0 && isRight(corrected)) {
    return runs(changed).map(([start, end]) => exact(corrected, body, start, end));
  }
  const blocks = [...damaged, ...changed.map((at) => at - (at % block))].sort((a, b) => a - b);
  // Changes can cancel out in the check bytes of every block, but never in the digest. In that case the whole
  // function is named.
  if (blocks.length === 0) return [{ offset: 0, length: found.length, found: toHex(found) }];
  return blocks.map((offset) => {
    const bytes = found.subarray(offset, offset + block);
    return { offset, length: bytes.length, found: toHex(bytes) };
  });
}

/**
 * Describes a difference with the values of the normalised code: within a relocated address, those are of the
 * address as linked.
 */
const exact = (corrected: Uint8Array, body: Uint8Array, start: number, end: number): Difference => ({
  offset: start,
  length: end - start,
  expected: toHex(corrected.subarray(start, end)),
  found: toHex(body.subarray(start, end)),
});

/** Groups rising places into [start, end) runs. */
function runs(places: readonly number[]): readonly (readonly [number, number])[] {
  const out: [number, number][] = [];
  for (const place of places) {
    const last = out.at(-1);
    if (last !== undefined && last[1] === place) last[1] = place + 1;
    else out.push([place, place + 1]);
  }
  return out;
}
