import { Decoder } from "../decode.ts";
import { encodeJson, jsonObject, parseJson } from "../json.ts";
import { MAX_MANIFEST_VALUES, MAX_UPDATES } from "../limits.ts";
import type { KernelLandmarks } from "../runpre/fingerprint.ts";
import { decodeLandmarks, landmarksToJson } from "../runpre/landmarks_json.ts";
import { decodeKernelFacts, type KernelFacts, kernelFactsToJson } from "./kernel.ts";
import {
  type Artifact,
  artifactToJson,
  decodeArtifact,
  decodeUpdate,
  type Update,
  updateToJson,
} from "./update.ts";

/** The one signed document about a kernel. It identifies the kernel, and has every update for it. */
export interface KernelManifest {
  readonly kernel: KernelFacts;
  readonly landmarks: KernelLandmarks;
  readonly updates: readonly Update[];
  /** The fingerprint file of the whole kernel (docs/fingerprint-file.md), if the feed has one. */
  readonly fingerprints?: Artifact;
}

/**
 * The number of the manifest's format. It is raised when a reader that does not know of a change would do
 * harm. Members may be added without raising it.
 */
export const MANIFEST_FORMAT = 1;

/**
 * Decodes a manifest, whose ids must be unique. The caller has bounded the bytes and verified them against
 * targets.
 * @throws ParseError
 */
export function decodeManifest(bytes: Uint8Array): KernelManifest {
  const manifest = new Decoder(parseJson(bytes, "manifest", MAX_MANIFEST_VALUES), "manifest");
  manifest.get("format").literal(MANIFEST_FORMAT);
  const updates = manifest.get("updates").array(MAX_UPDATES).map(decodeUpdate);
  if (new Set(updates.map((u) => u.id)).size !== updates.length) manifest.fail("an update id twice");
  const modules = updates.flatMap((update) => [update.module, ...update.parts]);
  if (new Set(modules.map(({ name }) => name)).size !== modules.length) {
    manifest.fail("two modules of one name: the kernel could hold only one of them");
  }
  const kernel = decodeKernelFacts(manifest.get("kernel"));
  if (updates.some(({ tried }) => tried !== undefined && tried.buildId !== kernel.buildId)) {
    manifest.fail("an update was tried on another kernel");
  }
  const fingerprints = manifest.get("fingerprints").optional((file) => file.nullable(decodeArtifact));
  return {
    kernel,
    landmarks: decodeLandmarks(manifest.get("landmarks")),
    updates,
    ...(fingerprints && { fingerprints }),
  };
}

export function encodeManifest(manifest: KernelManifest): Uint8Array {
  return encodeJson(
    jsonObject({
      format: MANIFEST_FORMAT,
      kernel: kernelFactsToJson(manifest.kernel),
      landmarks: landmarksToJson(manifest.landmarks),
      updates: manifest.updates.map(updateToJson),
      ...(manifest.fingerprints && { fingerprints: artifactToJson(manifest.fingerprints) }),
    }),
  );
}
