import { address, type TextOffset, textOffset } from "../brand.ts";
import { Decoder } from "../decode.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../json.ts";
import { MAX_UPDATES } from "../limits.ts";
import type { KernelLandmarks } from "../runpre/fingerprint.ts";
import { decodePatching, patchingToJson } from "../runpre/landmarks_json.ts";
import { decodeKernel, type KernelFacts, kernelToJson } from "./kernel.ts";
import { decodeUpdate, type Update, updateToJson } from "./update.ts";

/** The one signed document about a kernel: what it is, and every update for it. */
export interface KernelManifest {
  readonly kernel: KernelFacts;
  readonly landmarks: KernelLandmarks;
  readonly updates: readonly Update[];
}

/** Raised when a reader that does not know of a change would do harm. Members may be added without it. */
export const MANIFEST_FORMAT = 1;
/** The last byte of the mapping that a `TextOffset` counts in. */
const MAX_TEXT_OFFSET = 0x4000_0000 - 1;

/** Throws ParseError; ids are unique. The caller has bounded the bytes and verified them against targets. */
export function decodeManifest(bytes: Uint8Array): KernelManifest {
  const manifest = new Decoder(parseJson(bytes, "manifest"), "manifest");
  manifest.get("format").literal(MANIFEST_FORMAT);
  const updates = manifest.get("updates").array(MAX_UPDATES).map(decodeUpdate);
  if (new Set(updates.map((u) => u.id)).size !== updates.length) manifest.fail("an update id twice");
  const modules = updates.flatMap((update) => [update.module, ...update.parts]);
  if (new Set(modules.map(({ name }) => name)).size !== modules.length) {
    manifest.fail("two modules of one name: the kernel could hold only one of them");
  }
  return {
    kernel: decodeKernel(manifest.get("kernel")),
    landmarks: decodeLandmarks(manifest.get("landmarks")),
    updates,
  };
}

export function encodeManifest(manifest: KernelManifest): Uint8Array {
  return encodeJson(
    jsonObject({
      format: MANIFEST_FORMAT,
      kernel: kernelToJson(manifest.kernel),
      landmarks: landmarksToJson(manifest.landmarks),
      updates: manifest.updates.map(updateToJson),
    }),
  );
}

/** Addresses are hex strings: JSON numbers end at 2^53. */
function decodeLandmarks(landmarks: Decoder): KernelLandmarks {
  const place = (name: string): TextOffset | null =>
    landmarks.get(name).nullable((offset) => textOffset(offset.integer(0, MAX_TEXT_OFFSET)));
  const patching = landmarks.get("patching").optional(decodePatching);
  return {
    linkedText: landmarks
      .get("linked_text")
      .as((hex) =>
        /^[0-9a-f]{16}$/.test(hex)
          ? address(BigInt(`0x${hex}`))
          : landmarks.fail("linked_text is not 16 hex digits"),
      ),
    returnThunkVariable: place("return_thunk_variable"),
    returnThunkDefault: place("return_thunk_default"),
    returnThunkIts: place("return_thunk_its"),
    ...(patching && { patching }),
  };
}

export function landmarksToJson(landmarks: KernelLandmarks): JsonObject {
  return jsonObject({
    linked_text: landmarks.linkedText.toString(16).padStart(16, "0"),
    return_thunk_variable: landmarks.returnThunkVariable,
    return_thunk_default: landmarks.returnThunkDefault,
    return_thunk_its: landmarks.returnThunkIts,
    ...(landmarks.patching && { patching: patchingToJson(landmarks.patching) }),
  });
}
