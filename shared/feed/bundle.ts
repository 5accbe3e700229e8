import { type BuildId, buildId } from "../brand.ts";
import { concatBytes, requireUtf8, utf8 } from "../bytes.ts";
import { Decoder } from "../decode.ts";
import { RebootlessError } from "../errors.ts";
import { parseFiles } from "../json.ts";
import { escaped, escapedLength } from "../json_text.ts";
import {
  MAX_BUNDLE_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_ROOT_BYTES,
  MAX_SMALL_VALUES,
  MAX_SNAPSHOT_BYTES,
  MAX_TARGETS_BYTES,
  MAX_TIMESTAMP_BYTES,
} from "../limits.ts";

/**
 * The contents of feed.json: the metadata and the manifest of one kernel in one answer. It is transport, not
 * trust: each file is in it byte for byte as a JSON string (all of them are UTF-8), and no file is trusted
 * because it is in it.
 */
export interface Bundle {
  readonly buildId: BuildId;
  /** The newest roots, oldest first, without version 1, which every host has from its set-up. */
  readonly roots: readonly Uint8Array[];
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly targets: Uint8Array;
  readonly manifest: Uint8Array;
}

/** A bundle without its manifest, which is most of its bytes. */
export type BundleHead = Omit<Bundle, "manifest">;

/**
 * The number of the newest roots that a bundle has. A host that is further behind fetches older ones by their
 * own names.
 */
export const BUNDLED_ROOTS = 4;

/** The files that are members of a bundle by themselves, in this order. */
const FILES = ["timestamp", "snapshot", "targets", "manifest"] as const;
const COMMA = utf8(",");

/**
 * Encodes a bundle.
 *
 * @throws RebootlessError `limit` above MAX_BUNDLE_BYTES, which no host would take; ParseError for a file that is not
 * UTF-8.
 */
export function encodeBundle(bundle: Bundle): Uint8Array {
  const { buildId: id, roots, ...files } = bundle;
  let length = 0;
  for (const file of [...roots, ...FILES.map((name) => files[name])]) {
    requireUtf8(file);
    length += escapedLength(file);
  }
  requireRoom(length); // checked before the bundle is built
  const bytes = concatBytes([
    utf8(`{"format":1,"build_id":"${id}","roots":[`),
    ...roots.flatMap((root, i) => (i === 0 ? [escaped(root)] : [COMMA, escaped(root)])),
    utf8("]"),
    ...FILES.flatMap((name) => [utf8(`,"${name}":`), escaped(files[name])]),
    utf8("}"),
  ]);
  requireRoom(bytes.length);
  return bytes;
}

function requireRoom(length: number): void {
  if (length <= MAX_BUNDLE_BYTES) return;
  throw new RebootlessError(
    "limit",
    `feed.json would have ${length} bytes, ${MAX_BUNDLE_BYTES} are allowed`,
    {
      hint: "There is room again without the updates that others supersede.",
    },
  );
}

/** Decodes a bundle. The caller has bounded the bytes (MAX_BUNDLE_BYTES). @throws ParseError */
export function decodeBundle(bytes: Uint8Array): Bundle {
  const bundle = filesIn(bytes);
  return { ...headOf(bundle), manifest: bundle.get("manifest").file(MAX_MANIFEST_BYTES) };
}

/**
 * The text before the manifest, which `encodeBundle` writes last. It cannot occur in a file, because a JSON
 * string has no quote without a backslash before it.
 */
const MANIFEST = utf8(',"manifest":"');

/**
 * Finds where the manifest begins. Returns -1 if it does not begin within these bytes.
 * @param searched the number of bytes at the start that were searched before without success.
 */
export function manifestAt(bytes: Uint8Array, searched: number): number {
  const next = (from: number) => bytes.indexOf(MANIFEST[0] ?? 0, from);
  for (let at = next(Math.max(0, searched - MANIFEST.length)); at >= 0; at = next(at + 1)) {
    if (MANIFEST.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/**
 * Decodes the head of a bundle that `encodeBundle` made.
 * @param bytes the bundle up to where the manifest begins.
 * @throws ParseError
 */
export const decodeBundleHead = (bytes: Uint8Array): BundleHead =>
  headOf(filesIn(concatBytes([bytes, utf8("}")])));

const filesIn = (bytes: Uint8Array) =>
  new Decoder(parseFiles(bytes, "feed.json", MAX_SMALL_VALUES), "feed.json");

function headOf(bundle: ReturnType<typeof filesIn>): BundleHead {
  bundle.get("format").literal(1);
  const file = (name: (typeof FILES)[number], max: number) => bundle.get(name).file(max);
  return {
    buildId: bundle.get("build_id").as(buildId),
    roots: bundle
      .get("roots")
      .array(BUNDLED_ROOTS)
      .map((root) => root.file(MAX_ROOT_BYTES)),
    timestamp: file("timestamp", MAX_TIMESTAMP_BYTES),
    snapshot: file("snapshot", MAX_SNAPSHOT_BYTES),
    targets: file("targets", MAX_TARGETS_BYTES),
  };
}
