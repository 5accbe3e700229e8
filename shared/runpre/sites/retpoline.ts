import { readUnsigned, writeBranch, writeNop } from "../../x86/code.ts";
import {
  BRANCH_LENGTH,
  CALL,
  CS_PREFIX,
  ESCAPE,
  INT3,
  JUMP,
  LFENCE,
  SHORT_JUMP_LENGTH,
} from "../../x86/opcodes.ts";
import type { KernelState } from "../kernel_state.ts";
import type { ItsReference } from "../landmarks.ts";
import type { WriteExpected } from "./site.ts";
import type { RetpolineSite } from "./site_kinds.ts";

const UPPER_HALF = 0x20;
const PAGE = 4096;

/**
 * Writes a call or jump through a register, which is linked as one to the register's thunk
 * (arch/x86/kernel/alternative.c, patch_retpoline()). With retpolines it stays so (or goes to the thunks that
 * track call depth). Without them it becomes a plain indirect branch, after an lfence if that is the
 * mitigation, or with ITS a branch to a thunk of its own.
 */
export const writeRetpoline: WriteExpected<RetpolineSite> = (kernel, site, place, out, at) => {
  const { feature, lfenceFeature, itsFeature } = kernel.patching("retpolines");
  const lfence = kernel.has(lfenceFeature);
  const extended = site.register >> 3; // 1 for the registers that need a REX prefix
  // The place of the branch's last byte decides. With an lfence ITS is never in force.
  const last = place + startOf(site, lfence) + extended + 1;
  if (kernel.has(feature) && !lfence) {
    writeToThunk(site, place, thunkOf(kernel, site), out, at);
  } else if (itsFeature !== null && kernel.has(itsFeature) && (last & UPPER_HALF) === 0) {
    writeToThunk(site, place, itsThunk(kernel, site), out, at);
  } else if (startOf(site, lfence) + 2 + extended > site.length) {
    // It does not fit, so it stays as linked.
    writeToThunk(site, place, linkedThunk(kernel, site), out, at);
  } else {
    writeIndirect(site, lfence, kernel.patching("retpolines").prefixed, out, at);
  }
};

const isConditional = ({ opcode }: RetpolineSite): boolean => opcode !== CALL && opcode !== JUMP;

/**
 * Returns where the indirect branch starts: after a short jump around it if it is conditional, and after an
 * lfence.
 */
const startOf = (site: RetpolineSite, lfence: boolean): number =>
  (isConditional(site) ? SHORT_JUMP_LENGTH : 0) + (lfence ? LFENCE.length : 0);

/** Writes the instruction as linked, with another target. */
function writeToThunk(site: RetpolineSite, place: number, target: number, out: Uint8Array, at: number): void {
  const prefix = site.length - BRANCH_LENGTH;
  if (prefix === 1) out[at] = isConditional(site) ? ESCAPE : CS_PREFIX;
  writeBranch(out, at + prefix, site.opcode, place + prefix, target);
}

/** The most prefixes in front of a call; where more room is left, nops behind it take less time. */
const MAX_PREFIXES = 3;

function writeIndirect(
  site: RetpolineSite,
  lfence: boolean,
  prefixed: boolean,
  out: Uint8Array,
  at: number,
): void {
  let i = at;
  if (isConditional(site)) {
    out[i++] = 0x70 | ((site.opcode & 15) ^ 1);
    out[i++] = site.length - SHORT_JUMP_LENGTH;
  }
  if (lfence) for (const byte of LFENCE) out[i++] = byte;
  const end = at + site.length;
  const spare = end - i - 2 - (site.register >> 3);
  if (prefixed && site.opcode === CALL && spare <= MAX_PREFIXES) {
    out.fill(CS_PREFIX, i, i + spare);
    i += spare;
  }
  if (site.register >= 8) out[i++] = 0x41;
  out[i++] = 0xff;
  out[i++] = (site.opcode === CALL ? 0xd0 : 0xe0) | (site.register & 7);
  if (site.opcode !== CALL && prefixed) out.fill(INT3, i, end);
  else {
    if (site.opcode !== CALL && i < end) out[i++] = INT3;
    writeNop(out, i, end - i);
  }
}

function thunkOf(kernel: KernelState, site: RetpolineSite): number {
  const { callThunks, jumpThunks, stride } = kernel.patching("retpolines");
  if (!kernel.tracksCallDepth() || callThunks === null || jumpThunks === null)
    return linkedThunk(kernel, site);
  return (site.opcode === CALL ? callThunks : jumpThunks) + stride * site.register;
}

function linkedThunk(kernel: KernelState, site: RetpolineSite): number {
  const { thunks, stride } = kernel.patching("retpolines");
  return thunks + stride * site.register;
}

/**
 * Returns the thunk's place: the page's base, which two other branches tell, plus the place in the page. If
 * the two branches differ, the result is an expectation that no code meets.
 */
function itsThunk(kernel: KernelState, site: RetpolineSite): number {
  const pages = kernel.patching("retpolines").itsPages;
  const [first, second] = pages[Math.floor((site.its ?? -1) / PAGE)] ?? [];
  const base = first && pageBase(kernel, first);
  if (base === undefined || (second !== undefined && pageBase(kernel, second) !== base)) return 0;
  return base + ((site.its ?? 0) % PAGE);
}

function pageBase(kernel: KernelState, { at, length, thunk }: ItsReference): number {
  const distance = readUnsigned(kernel.memory.read(at, length), length - 4, 4) | 0;
  return at + length + distance - thunk;
}
