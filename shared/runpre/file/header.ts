import { type BuildId, buildId, type ObjectName, objectName } from "../../brand.ts";
import { Decoder } from "../../decode.ts";
import { encodeJson, jsonObject, parseJson } from "../../json.ts";
import { decodeKernel, type KernelIdentity, kernelToJson } from "../../kernel_identity.ts";
import type { KernelLandmarks } from "../fingerprint.ts";
import { decodeLandmarks, landmarksToJson } from "../landmarks_json.ts";
import { MAX_BASES, type ModuleLayout } from "../module/layout.ts";
import { decodeLayout, layoutToJson } from "../module/layout_json.ts";

/**
 * The header of a fingerprint file: whose functions it describes, and what a checker must know about the
 * kernel as a whole.
 */
export interface FileHeader {
  readonly kernel: KernelIdentity;
  /** The object that has the functions: the kernel itself or one of its modules. */
  readonly object: FingerprintedObject;
  readonly landmarks: KernelLandmarks;
}

export interface FingerprintedObject {
  /** The name: `vmlinux`, or a module's name. */
  readonly name: ObjectName;
  /** The object's own build ID. That of `vmlinux` is the kernel's. */
  readonly buildId: BuildId;
  /** The layout by which a module is linked for its fingerprints; null for the kernel. */
  readonly layout: ModuleLayout | null;
}

/** The most values in the header's JSON. Each base of a module has six. */
const MAX_VALUES = 8 * MAX_BASES;

export const encodeHeader = ({ kernel, object, landmarks }: FileHeader): Uint8Array =>
  encodeJson(
    jsonObject({
      kernel: kernelToJson(kernel),
      object: jsonObject({
        name: object.name,
        build_id: object.buildId,
        layout: object.layout ? layoutToJson(object.layout) : undefined,
      }),
      landmarks: landmarksToJson(landmarks),
    }),
  );

/** Reads the header. @throws ParseError */
export function decodeHeader(bytes: Uint8Array): FileHeader {
  const header = new Decoder(parseJson(bytes, "fingerprint file", MAX_VALUES), "header");
  const object = header.get("object");
  return {
    kernel: decodeKernel(header.get("kernel")),
    object: {
      name: object.get("name").as(objectName),
      buildId: object.get("build_id").as(buildId),
      layout: object.get("layout").optional(decodeLayout) ?? null,
    },
    landmarks: decodeLandmarks(header.get("landmarks")),
  };
}
