import { type BuildId, buildId } from "../brand.ts";
import { fromUtf8, utf8 } from "../bytes.ts";
import { Decoder } from "../decode.ts";
import { encodeJson, jsonObject, parseJson } from "../json.ts";
import {
  MAX_MANIFEST_BYTES,
  MAX_ROOT_BYTES,
  MAX_ROOT_ROTATIONS,
  MAX_SNAPSHOT_BYTES,
  MAX_TARGETS_BYTES,
  MAX_TIMESTAMP_BYTES,
} from "../limits.ts";

/**
 * feed.json: the metadata and the manifest of one kernel in one answer. It is transport, not trust: each file
 * stands in it byte for byte as a JSON string (all of them are UTF-8), and nothing is believed for being in it.
 */
export interface Bundle {
  readonly buildId: BuildId;
  /** The newest roots, oldest first. Version 1, which every host has from its set-up, is not among them. */
  readonly roots: readonly Uint8Array[];
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
  readonly manifest: Uint8Array;
}

/** How many of the newest roots travel; a host further behind fetches the older ones by their own names. */
export const BUNDLED_ROOTS = 4;

export function encodeBundle(bundle: Bundle): Uint8Array {
  return encodeJson(
    jsonObject({
      format: 1,
      build_id: bundle.buildId,
      roots: bundle.roots.map(fromUtf8),
      timestamp: fromUtf8(bundle.timestamp),
      snapshot: fromUtf8(bundle.snapshot),
      targets: fromUtf8(bundle.targets),
      manifest: fromUtf8(bundle.manifest),
    }),
  );
}

/** Throws ParseError. The caller has bounded the bytes (MAX_BUNDLE_BYTES). */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const bundle = new Decoder(parseJson(bytes, "feed.json"), "feed.json");
  bundle.get("format").literal(1);
  const file = (name: string, max: number) => utf8(bundle.get(name).string(max));
  return {
    buildId: bundle.get("build_id").as(buildId),
    roots: bundle
      .get("roots")
      .array(MAX_ROOT_ROTATIONS)
      .map((root) => utf8(root.string(MAX_ROOT_BYTES))),
    timestamp: file("timestamp", MAX_TIMESTAMP_BYTES),
    snapshot: file("snapshot", MAX_SNAPSHOT_BYTES),
    targets: file("targets", MAX_TARGETS_BYTES),
    manifest: file("manifest", MAX_MANIFEST_BYTES),
  };
}
