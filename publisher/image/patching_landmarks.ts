import { type TextOffset, textOffset } from "../../shared/brand.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { ParseError } from "../../shared/errors.ts";
import type {
  CallDepthLandmarks,
  ParavirtLandmarks,
  PatchingLandmarks,
  RetpolineLandmarks,
  StaticCallLandmarks,
} from "../../shared/runpre/landmarks.ts";
import { BRANCH_LENGTH, JUMP, LFENCE } from "../../shared/x86/opcodes.ts";
import { type Alternative, alternativeTable } from "./sites/alternative_table.ts";
import { namesAddress, prefixesCalls } from "./sites/patching_code.ts";
import { thunkArray } from "./sites/retpoline.ts";
import { codeAt, type SiteSources, siteOffset } from "./sites/sources.ts";

/** Finds where a running kernel keeps what decides about its code. What this kernel does not have is null. */
export function patchingLandmarks(
  sources: SiteSources,
  itsPages: RetpolineLandmarks["itsPages"],
  callDepth: CallDepthLandmarks | null,
): PatchingLandmarks {
  const place = placeIn(sources);
  const alternatives = alternativeTable(sources)?.entries ?? [];
  return {
    capabilities: findCapabilities(sources, alternatives),
    uniprocessor: place("uniproc_patched"),
    paravirt: paravirtLandmarks(place),
    staticCalls: staticCallLandmarks(sources, place),
    retpolines: retpolineLandmarks(sources, alternatives, itsPages),
    callDepth,
    ftraceFunction: place("ftrace_trace_function"),
  };
}

type Place = (name: string) => TextOffset | null;

const placeIn =
  (sources: SiteSources): Place =>
  (name) => {
    const symbol = sources.symbols.only(name);
    return symbol === undefined ? null : textOffset(siteOffset(sources, symbol.address));
  };

const TEST_BYTE = [0xf6, 0x05] as const; // testb $imm8, X(%rip)
const TEST_LENGTH = 7;

/**
 * Finds the array `boot_cpu_data.x86_capability` from the code: `static_cpu_has()` is linked as a jump to a
 * test of the array's byte for its feature, until an alternative for that feature decides. All of these tests
 * must agree.
 */
function findCapabilities(sources: SiteSources, alternatives: readonly Alternative[]): TextOffset | null {
  const slow = sources.sections.find((section) => section.name === ".altinstr_aux");
  if (slow === undefined) return null;
  const places = new Set<number>();
  for (const [i, { site, condition }] of alternatives.entries()) {
    // The second entry of a place is for the feature; the first is for every CPU.
    if (alternatives[i - 1]?.site !== site) continue;
    const jump = codeAt(sources, site, BRANCH_LENGTH);
    const target = site + BigInt(BRANCH_LENGTH) + BigInt(new ByteReader(jump, "jump", 1).s32());
    const isSlow = target >= slow.address && target + BigInt(TEST_LENGTH) <= slow.address + BigInt(slow.size);
    if (jump[0] !== JUMP || !isSlow) continue;
    const test = codeAt(sources, target, TEST_LENGTH);
    if (TEST_BYTE.some((byte, at) => test[at] !== byte) || test[6] !== 1 << (condition.feature & 7)) continue;
    const byte = target + BigInt(TEST_LENGTH) + BigInt(new ByteReader(test, "test", 2).s32());
    places.add(siteOffset(sources, byte) - (condition.feature >> 3));
  }
  if (places.size > 1) throw new ParseError("the kernel's tests of CPU features do not agree on one array");
  const [array] = places;
  return array === undefined ? null : textOffset(array);
}

/** Finds the landmarks of pv_ops by their names in 6.7 and later, or by those before. */
function paravirtLandmarks(place: Place): ParavirtLandmarks | null {
  const nop = place("nop_func") ?? place("_paravirt_nop");
  const bug = place("BUG_func") ?? place("paravirt_BUG");
  return nop === null || bug === null ? null : { nop, bug };
}

/**
 * The functions of which a static call may become an instruction: `ud1 (%edx),%rdi` since 6.19, `ds ds movb $0,(%rdi)`
 * since 7.3.
 */
const INLINED = [
  ["__WARN_trap", [0x67, 0x48, 0x0f, 0xb9, 0x3a]],
  ["__raw_callee_save___native_queued_spin_unlock", [0x3e, 0x3e, 0xc6, 0x07, 0x00]],
] as const;

/** Finds those that the kernel asks for when it writes a static call (arch/x86/kernel/static_call.c). */
const inlinedFunctions = (sources: SiteSources): StaticCallLandmarks["inlined"] =>
  INLINED.flatMap(([name, code]) => {
    const address = sources.symbols.only(name)?.address;
    return address !== undefined && namesAddress(sources, "__static_call_transform", address)
      ? [{ function: textOffset(siteOffset(sources, address)), code: Uint8Array.from(code) }]
      : [];
  });

function staticCallLandmarks(sources: SiteSources, place: Place): StaticCallLandmarks | null {
  const returnZero = place("__static_call_return0");
  if (returnZero === null) return null;
  return {
    returnZero,
    return: place("__static_call_return"),
    reinitialised: sources.symbols.named("static_call_force_reinit").length > 0,
    inlined: inlinedFunctions(sources),
  };
}

/**
 * Finds the numbers of the features from the code that they choose: the thunk itself is an alternative of
 * both.
 */
function retpolineLandmarks(
  sources: SiteSources,
  alternatives: readonly Alternative[],
  itsPages: RetpolineLandmarks["itsPages"],
): RetpolineLandmarks | null {
  const thunks = thunkArray(sources);
  if (thunks === undefined) return null;
  const first = sources.linkedText + BigInt(thunks.start);
  const forThunk = alternatives.filter((entry) => entry.site === first);
  const lfence = forThunk.find((entry) => entry.condition.present && startsWithLfence(sources, entry));
  const plain = forThunk.find((entry) => !entry.condition.present);
  if (lfence === undefined || plain === undefined) return null;
  const place = placeIn(sources);
  return {
    feature: plain.condition.feature,
    lfenceFeature: lfence.condition.feature,
    itsFeature: itsFeature(sources, alternatives),
    thunks: thunks.start,
    stride: thunks.stride,
    callThunks: place("__x86_indirect_call_thunk_array"),
    jumpThunks: place("__x86_indirect_jump_thunk_array"),
    prefixed: prefixesCalls(sources),
    itsPages,
  };
}

const startsWithLfence = (sources: SiteSources, entry: Alternative): boolean =>
  entry.replacementLength >= LFENCE.length &&
  LFENCE.every((byte, i) => codeAt(sources, entry.replacement, LFENCE.length)[i] === byte);

// The length that is searched. It is more than enough for the function's one test, which stands at its start.
const ITS_FUNCTION = 64n;

/**
 * Finds the number of the ITS feature: its_init_mod() does nothing without it, so its first test is for it.
 */
function itsFeature({ symbols }: SiteSources, alternatives: readonly Alternative[]): number | null {
  const start = symbols.only("its_init_mod")?.address;
  if (start === undefined) return null;
  const tests = alternatives.filter(({ site }) => site >= start && site < start + ITS_FUNCTION);
  // The first entry of a place is for every CPU, the second for the feature.
  const feature = tests.length === 2 && tests[0]?.site === tests[1]?.site ? tests[1]?.condition : undefined;
  return feature?.present ? feature.feature : null;
}
