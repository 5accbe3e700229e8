import { type TextOffset, textOffset } from "../brand.ts";
import { ParseError } from "../errors.ts";
import { readSigned32, readUnsigned, writeRelative } from "../x86/code.ts";
import type { KernelLandmarks, TextMemory } from "./fingerprint.ts";
import {
  CALL_DEPTH_CODE,
  CALL_DEPTH_OPERAND,
  type CallDepthLandmarks,
  type PatchingLandmarks,
} from "./landmarks.ts";

const HALF = 0x1_0000_0000;

/**
 * The variables of a running kernel that decide about its code, each read when it is first needed. Places and
 * targets are bytes from `_text`. They are plain numbers, because code reaches 2 GiB either way and numbers
 * are exact to 2^53. Every method throws what `memory.read` throws, and ParseError for a variable that the
 * landmarks do not have.
 */
export class KernelState {
  readonly landmarks: KernelLandmarks;
  readonly memory: TextMemory;
  /** The bytes by which the kernel was moved. */
  readonly displacement: number;
  readonly #moves: readonly number[];
  readonly #variables = new Map<number, Uint8Array>();
  readonly #pointers = new Map<number, number | null>();
  readonly #counts = new Map<number, number>();
  /** The upper and the lower half of the address of `_text`. */
  readonly #textHigh: number;
  readonly #textLow: number;
  #tracksCalls: boolean | undefined;

  /**
   * @param moves for a module: how far each base of its layout lies from where it was linked
   * (module/bind.ts).
   */
  constructor(landmarks: KernelLandmarks, memory: TextMemory, moves: readonly number[] = []) {
    this.#moves = moves;
    this.landmarks = landmarks;
    this.memory = memory;
    this.#textHigh = Number(memory.text >> 32n);
    this.#textLow = Number(memory.text & 0xffff_ffffn);
    this.displacement = Number(memory.text - landmarks.linkedText);
  }

  /**
   * Returns how far code that refers to a module's base was moved, either relative to the code's own place or
   * in all.
   */
  moved(base: number, relative: boolean): number {
    const move = this.#moves[base];
    const [own] = this.#moves;
    if (move === undefined || own === undefined) {
      throw new ParseError(`a site needs base ${base} of a module's layout, which has ${this.#moves.length}`);
    }
    return relative ? move - own : move + this.displacement;
  }

  patching<K extends keyof PatchingLandmarks>(name: K): NonNullable<PatchingLandmarks[K]> {
    const landmark = this.landmarks.patching?.[name] ?? null;
    if (landmark === null)
      throw new ParseError(`a site needs the landmark ${name}, which this kernel does not have`);
    return landmark;
  }

  byte(offset: number): number {
    return this.variable(offset, 1)[0] ?? 0;
  }

  int32(offset: TextOffset): number {
    const known = this.#counts.get(offset);
    if (known !== undefined) return known;
    const count = readSigned32(this.memory.read(offset, 4), 0);
    this.#counts.set(offset, count);
    return count;
  }

  /** Returns the bytes of a variable, perhaps as a view. */
  variable(offset: number, length: number): Uint8Array {
    const known = this.#variables.get(offset);
    if (known?.length === length) return known;
    const bytes = this.memory.read(textOffset(offset), length);
    this.#variables.set(offset, bytes);
    return bytes;
  }

  /** Returns the target of the pointer at `offset` in bytes from `_text`, or null for a null pointer. */
  pointer(offset: TextOffset): number | null {
    const known = this.#pointers.get(offset);
    if (known !== undefined) return known;
    const target = this.#distance(this.memory.read(offset, 8));
    this.#pointers.set(offset, target);
    return target;
  }

  /** Returns the distance from `_text` to an address, in 64 bits that wrap around. */
  #distance(address: Uint8Array): number | null {
    const low = readUnsigned(address, 0, 4);
    const high = readUnsigned(address, 4, 4);
    if (low === 0 && high === 0) return null;
    return ((high - this.#textHigh) | 0) * HALF + (low - this.#textLow);
  }

  /** Tells whether the boot CPU has a feature (or a bug), by its number in the kernel's table. */
  has(feature: number): boolean {
    const byte = this.byte(this.patching("capabilities") + (feature >> 3));
    return ((byte >> (feature & 7)) & 1) === 1;
  }

  isUniprocessor(): boolean {
    return this.byte(this.patching("uniprocessor")) !== 0;
  }

  tracksCallDepth(): boolean {
    const callDepth = this.landmarks.patching?.callDepth ?? null;
    this.#tracksCalls ??= callDepth !== null && this.byte(callDepth.state) !== 0;
    return this.#tracksCalls;
  }

  /** Returns the return thunk in force, or null while returns are plain everywhere. */
  returnThunk(): number | null {
    const { returnThunkVariable, returnThunkDefault } = this.landmarks;
    if (returnThunkVariable === null) {
      throw new ParseError("a return thunk site in a kernel without x86_return_thunk");
    }
    const thunk = this.pointer(returnThunkVariable);
    return thunk === returnThunkDefault ? null : thunk;
  }

  /**
   * Returns where a call that names `target` goes, which is the padding before it while call depth is
   * tracked.
   */
  callTarget(target: number): number {
    if (!this.tracksCallDepth()) return target;
    const callDepth = this.patching("callDepth");
    if (callDepth.exempt.some(([from, to]) => target >= from && target < to)) return target;
    const padding = target - CALL_DEPTH_CODE;
    return this.#hasCallDepthCode(callDepth, padding) ? padding : target;
  }

  /**
   * Returns where a call goes that an alternative writes in place of one through a pointer to `target`. The replacement
   * calls BUG_func, and the kernel adds the distance from there to the target (arch/x86/kernel/alternative.c,
   * alt_replace_call()). In a module, the replacement's call was led to the padding before that, whatever the padding
   * before the target has (callthunks_patch_module_calls()).
   */
  directCallTarget(target: number): number {
    if (!this.landmarks.patching?.callDepth?.beforeAlternatives) return this.callTarget(target);
    return this.#isModule && this.tracksCallDepth() ? target - CALL_DEPTH_CODE : target;
  }

  get #isModule(): boolean {
    return this.#moves.length > 0;
  }

  /**
   * Tells whether the padding has the code of call depth tracking. That of functions of modules always has
   * it; in the kernel's text the padding itself shows whether it was usable.
   */
  #hasCallDepthCode(callDepth: CallDepthLandmarks, padding: number): boolean {
    if (padding < 0 || padding >= callDepth.textEnd) return true;
    const found = this.memory.read(textOffset(padding), CALL_DEPTH_CODE);
    const expected = new Uint8Array(CALL_DEPTH_CODE);
    this.writeCallDepthCode(padding, expected, 0);
    return found.every((byte, i) => byte === expected[i]);
  }

  /**
   * Writes the code of call depth tracking at `place`. Its operand is relative to the place, and names a per-CPU
   * variable. That one has a fixed address, unless it moves with the kernel as the place does.
   */
  writeCallDepthCode(place: number, out: Uint8Array, at: number): void {
    const { code, movesWithKernel } = this.patching("callDepth");
    out.set(code, at);
    const linked = readUnsigned(code, CALL_DEPTH_OPERAND, 4);
    const moved = movesWithKernel ? 0 : this.displacement;
    writeRelative(out, at + CALL_DEPTH_OPERAND, linked - place - moved);
  }
}
