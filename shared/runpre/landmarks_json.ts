import { address, TEXT_OFFSETS, type TextOffset, textOffset } from "../brand.ts";
import { fromHex, toHex } from "../bytes.ts";
import { counted } from "../counted.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../json.ts";
import { BRANCH_LENGTH } from "../x86/opcodes.ts";
import type { KernelLandmarks } from "./fingerprint.ts";
import {
  CALL_DEPTH_CODE,
  type CallDepthLandmarks,
  type InlinedFunction,
  type ItsReference,
  MAX_EXEMPT,
  MAX_FEATURE,
  MAX_INLINED,
  MAX_ITS_PAGES,
  type ParavirtLandmarks,
  type PatchingLandmarks,
  type RetpolineLandmarks,
  type StaticCallLandmarks,
} from "./landmarks.ts";
import { MODULE_SPACE } from "./module/layout.ts";

/**
 * Writes landmarks. Addresses are hex strings, because JSON numbers end at 2^53. Offsets are numbers, and
 * null for what the kernel does not have.
 */
export function landmarksToJson(landmarks: KernelLandmarks): JsonObject {
  return jsonObject({
    linked_text: landmarks.linkedText.toString(16).padStart(16, "0"),
    return_thunk_variable: landmarks.returnThunkVariable,
    return_thunk_default: landmarks.returnThunkDefault,
    return_thunk_its: landmarks.returnThunkIts,
    ...(landmarks.patching && { patching: patchingToJson(landmarks.patching) }),
  });
}

export function patchingToJson(patching: PatchingLandmarks): JsonObject {
  const { paravirt, staticCalls, retpolines, callDepth } = patching;
  return jsonObject({
    capabilities: patching.capabilities,
    uniprocessor: patching.uniprocessor,
    ftrace_function: patching.ftraceFunction,
    paravirt: paravirt && jsonObject({ nop: paravirt.nop, bug: paravirt.bug }),
    static_calls:
      staticCalls &&
      jsonObject({
        return_zero: staticCalls.returnZero,
        return: staticCalls.return,
        reinitialised: staticCalls.reinitialised,
        ...(staticCalls.inlined.length > 0 && {
          inlined: staticCalls.inlined.map((one) => [one.function, toHex(one.code)]),
        }),
      }),
    retpolines: retpolines && retpolinesToJson(retpolines),
    call_depth:
      callDepth &&
      jsonObject({
        state: callDepth.state,
        code: toHex(callDepth.code),
        exempt: callDepth.exempt.map(([from, to]) => [from, to]),
        text_end: callDepth.textEnd,
        ...(callDepth.movesWithKernel && { moves_with_kernel: true }),
        ...(callDepth.beforeAlternatives && { before_alternatives: true }),
      }),
  });
}

function retpolinesToJson(retpolines: RetpolineLandmarks): JsonObject {
  return jsonObject({
    feature: retpolines.feature,
    lfence_feature: retpolines.lfenceFeature,
    its_feature: retpolines.itsFeature,
    thunks: retpolines.thunks,
    stride: retpolines.stride,
    call_thunks: retpolines.callThunks,
    jump_thunks: retpolines.jumpThunks,
    ...(retpolines.prefixed && { prefixed: true }),
    its_pages: itsPagesToJson(retpolines.itsPages),
  });
}

export const itsPagesToJson = (pages: RetpolineLandmarks["itsPages"]): JsonValue =>
  pages.map((page) => page.map(({ at, length, thunk }) => [at, length, thunk]));

/** Reads landmarks. @throws ParseError */
export function decodeLandmarks(landmarks: Decoder): KernelLandmarks {
  const symbol = (name: string): TextOffset | null => landmarks.get(name).nullable(place);
  const patching = landmarks.get("patching").optional(decodePatching);
  return {
    linkedText: landmarks
      .get("linked_text")
      .as((hex) =>
        /^[0-9a-f]{16}$/.test(hex)
          ? address(BigInt(`0x${hex}`))
          : landmarks.fail("linked_text is not 16 hex digits"),
      ),
    returnThunkVariable: symbol("return_thunk_variable"),
    returnThunkDefault: symbol("return_thunk_default"),
    returnThunkIts: symbol("return_thunk_its"),
    ...(patching && { patching }),
  };
}

export function decodePatching(decoder: Decoder): PatchingLandmarks {
  return {
    capabilities: decoder.get("capabilities").nullable(place),
    uniprocessor: decoder.get("uniprocessor").nullable(place),
    ftraceFunction: decoder.get("ftrace_function").nullable(place),
    paravirt: decoder.get("paravirt").nullable(decodeParavirt),
    staticCalls: decoder.get("static_calls").nullable(decodeStaticCalls),
    retpolines: decoder.get("retpolines").nullable(decodeRetpolines),
    callDepth: decoder.get("call_depth").nullable(decodeCallDepth),
  };
}

/** Reads a place in the kernel itself. */
const place = (decoder: Decoder): TextOffset => textOffset(decoder.integer(0, MODULE_SPACE - 1));
/** Reads a property of newer kernels, which is left out where it is false. */
const flag = (decoder: Decoder): boolean => decoder.optional((value) => value.boolean()) ?? false;
const feature = (decoder: Decoder): number => decoder.integer(0, MAX_FEATURE - 1);

const decodeParavirt = (decoder: Decoder): ParavirtLandmarks => ({
  nop: place(decoder.get("nop")),
  bug: place(decoder.get("bug")),
});

const decodeStaticCalls = (decoder: Decoder): StaticCallLandmarks => ({
  returnZero: place(decoder.get("return_zero")),
  return: decoder.get("return").nullable(place),
  reinitialised: decoder.get("reinitialised").boolean(),
  inlined: decoder.get("inlined").optional((list) => list.array(MAX_INLINED).map(decodeInlined)) ?? [],
});

function decodeInlined(decoder: Decoder): InlinedFunction {
  const [target, hex, ...rest] = decoder.array(2);
  if (target === undefined || hex === undefined || rest.length > 0)
    return decoder.fail("not a function and its code");
  const code = hex.as(fromHex, 2 * BRANCH_LENGTH);
  if (code.length !== BRANCH_LENGTH) hex.fail(`${counted(code.length, "byte")}, not ${BRANCH_LENGTH}`);
  return { function: place(target), code };
}

const decodeRetpolines = (decoder: Decoder): RetpolineLandmarks => ({
  feature: feature(decoder.get("feature")),
  lfenceFeature: feature(decoder.get("lfence_feature")),
  itsFeature: decoder.get("its_feature").nullable(feature),
  thunks: place(decoder.get("thunks")),
  stride: decoder.get("stride").integer(1, 4096),
  callThunks: decoder.get("call_thunks").nullable(place),
  jumpThunks: decoder.get("jump_thunks").nullable(place),
  prefixed: flag(decoder.get("prefixed")),
  itsPages: decodeItsPages(decoder.get("its_pages")),
});

/** Reads the branches that show the pages of ITS. @throws ParseError */
export const decodeItsPages = (pages: Decoder): RetpolineLandmarks["itsPages"] =>
  pages.array(MAX_ITS_PAGES).map((page) => page.array(2).map(decodeReference));

function decodeReference(decoder: Decoder): ItsReference {
  const [at, length, thunk, ...rest] = decoder.array(3);
  if (at === undefined || length === undefined || thunk === undefined || rest.length > 0) {
    return decoder.fail("not a place, a length and the place of a thunk");
  }
  const branch = textOffset(at.integer(0, TEXT_OFFSETS - 1));
  return { at: branch, length: length.integer(5, 6), thunk: thunk.integer(0, 4095) };
}

function decodeCallDepth(decoder: Decoder): CallDepthLandmarks {
  const code = decoder.get("code").as(fromHex);
  if (code.length !== CALL_DEPTH_CODE)
    decoder.get("code").fail(`${counted(code.length, "byte")}, not ${CALL_DEPTH_CODE}`);
  return {
    state: place(decoder.get("state")),
    code,
    exempt: decoder.get("exempt").array(MAX_EXEMPT).map(decodeRange),
    textEnd: place(decoder.get("text_end")),
    movesWithKernel: flag(decoder.get("moves_with_kernel")),
    beforeAlternatives: flag(decoder.get("before_alternatives")),
  };
}

function decodeRange(decoder: Decoder): readonly [TextOffset, TextOffset] {
  const [from, to] = decoder.array(2).map(place);
  if (from === undefined || to === undefined || to < from) return decoder.fail("not a range");
  return [from, to];
}
