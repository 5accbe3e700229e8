import { type Address, textOffset } from "../../../shared/brand.ts";
import { ByteReader } from "../../../shared/byte_reader.ts";
import {
  CALL_DEPTH_CODE,
  CALL_DEPTH_OPERAND,
  type CallDepthLandmarks,
} from "../../../shared/runpre/landmarks.ts";
import type { Site } from "../../../shared/runpre/sites/site_kinds.ts";
import { writeRelative } from "../../../shared/x86/code.ts";
import { BRANCH_LENGTH, CALL, NOP } from "../../../shared/x86/opcodes.ts";
import { decodeInstruction } from "../../x86/length.ts";
import { alternativeTable } from "./alternative_table.ts";
import { leadsCallsFirst } from "./patching_code.ts";
import { codeAt, relativeTargets, type SiteSources, sectionTable, siteOffset } from "./sources.ts";

/** The changes that call depth tracking makes to this kernel, if it can track. */
export interface CallDepth {
  readonly sites: readonly Site[];
  readonly landmarks: CallDepthLandmarks | null;
  /** Tells whether a direct call of `target` (from `_text`) would be redirected to the padding before it. */
  isLed(target: number): boolean;
}

const NONE: CallDepth = { sites: [], landmarks: null, isLed: () => false };

// Calls of these functions are not redirected (arch/x86/kernel/callthunks.c, skip_addr()): they account for
// themselves, or must not be counted.
const EXEMPT = [
  "error_entry",
  "paranoid_entry",
  "xen_error_entry",
  "__switch_to_asm",
  "ret_from_fork",
  "soft_restart_cpu",
  "__fentry__",
];
// Ftrace rewrites these calls itself (ftrace.ts).
const FTRACE_CALLS = ["ftrace_call", "ftrace_regs_call"];
// The code for kexec has KEXEC_CONTROL_CODE_MAX_SIZE bytes from relocate_kernel on.
const KEXEC_CODE = 2048;

/**
 * Finds the calls of functions that have padding (`.call_sites`, kernels since 6.2), and the padding, which a
 * kernel rewrites when it tracks call depth. A site whose call is not redirected is left out.
 */
export function findCallDepth(sources: SiteSources): CallDepth {
  const landmarks = callDepthLandmarks(sources);
  const table = sectionTable(sources, ".call_sites");
  if (landmarks === null || table === undefined) return NONE;
  const isLed = ledBy(sources, landmarks);
  const isChosen = alternativePlaces(sources);
  const led = new Set<number>();
  const calls: Site[] = [];
  const trampolines = new Set(
    FTRACE_CALLS.flatMap((name) => sources.symbols.named(name)).map((s) => s.address),
  );
  for (const address of relativeTargets(table, ".call_sites")) {
    const at = siteOffset(sources, address);
    const isText = sources.module ? sources.module.isText(at) : at < landmarks.textEnd;
    const isOwn = isText && !trampolines.has(address as Address);
    const target = isOwn ? callTarget(sources, address) : undefined;
    if (target === undefined || !isLed(target)) continue;
    // A call in an alternative may not be the one that the CPU gets.
    if (!isChosen.has(at)) led.add(target);
    calls.push({ kind: "call", at });
  }
  return { sites: [...calls, ...paddingSites(sources, landmarks, led, isLed)], landmarks, isLed };
}

/** Returns every place of the code that alternatives replace. */
function alternativePlaces(sources: SiteSources): ReadonlySet<number> {
  const places = new Set<number>();
  for (const { site, length } of alternativeTable(sources)?.entries ?? []) {
    const start = siteOffset(sources, site);
    for (let at = start; at < start + length; at++) places.add(at);
  }
  return places;
}

function callTarget(sources: SiteSources, address: bigint): number | undefined {
  const code = codeAt(sources, address, BRANCH_LENGTH);
  if (code[0] !== CALL) return undefined;
  return siteOffset(sources, address) + BRANCH_LENGTH + new ByteReader(code, "call", 1).s32();
}

function ledBy(sources: SiteSources, { exempt, textEnd }: CallDepthLandmarks): (target: number) => boolean {
  return (target) => {
    // All functions of modules have padding.
    if (sources.module?.isImport(target)) return true;
    const start = target - CALL_DEPTH_CODE;
    const isText = target < textEnd || sources.module?.isText(start);
    if (start < 0 || !isText) return false;
    if (exempt.some(([from, to]) => target >= from && target < to)) return false;
    const padding = sources.linkedText + BigInt(start);
    return codeAt(sources, padding, CALL_DEPTH_CODE).every((byte) => byte === NOP);
  };
}

/**
 * Returns the padding before every function. The padding of a function without direct calls is filled once a
 * pointer leads to it.
 */
function paddingSites(
  sources: SiteSources,
  { textEnd }: CallDepthLandmarks,
  led: ReadonlySet<number>,
  isLed: (target: number) => boolean,
): readonly Site[] {
  const starts = new Set(led);
  const isText = (at: number): boolean => sources.module?.isText(at) ?? (at >= 0 && at < textEnd);
  for (const { address, type } of sources.own.all) {
    const start = Number(address - sources.linkedText);
    if (/^[tTwW]$/.test(type) && isText(start) && isLed(start)) starts.add(start);
  }
  return [...starts].filter(isText).map((start) => ({
    kind: led.has(start) ? "call_padding" : "call_padding_open",
    at: start - CALL_DEPTH_CODE,
  }));
}

/**
 * Finds the landmarks of call depth tracking. Returns null if the kernel cannot track call depth. Its code is
 * one instruction whose operand is relative to it.
 */
function callDepthLandmarks(sources: SiteSources): CallDepthLandmarks | null {
  const { symbols, linkedText } = sources;
  const place = (name: string): number | undefined => {
    const address = symbols.only(name)?.address;
    return address === undefined ? undefined : Number(address - linkedText);
  };
  const state = place("thunks_initialized");
  const start = place("skl_call_thunk_template");
  const end = place("skl_call_thunk_tail");
  const textEnd = place("_etext");
  if (
    state === undefined ||
    start === undefined ||
    end !== start + CALL_DEPTH_CODE ||
    textEnd === undefined
  ) {
    return null;
  }
  const code = codeAt(sources, linkedText + BigInt(start), CALL_DEPTH_CODE).slice();
  if (decodeInstruction(code, 0).ripRelative?.at !== CALL_DEPTH_OPERAND) return null;
  const operand = new ByteReader(code, "call depth code", CALL_DEPTH_OPERAND).s32();
  writeRelative(code, CALL_DEPTH_OPERAND, operand + start);
  const exempt = [
    ...EXEMPT.map((name) => [place(name), 1] as const),
    [place("relocate_kernel"), KEXEC_CODE] as const,
  ].flatMap(([at, length]) =>
    at === undefined || at < 0 ? [] : [[textOffset(at), textOffset(at + length)] as const],
  );
  return {
    state: textOffset(state),
    code,
    exempt,
    textEnd: textOffset(textEnd),
    // Per-CPU variables are numbered from 0, which is 2^64 here. Since 6.16 they lie behind the kernel's data.
    movesWithKernel: linkedText + BigInt(end + operand) < 1n << 64n,
    beforeAlternatives: leadsCallsFirst(sources),
  };
}
