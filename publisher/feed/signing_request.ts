import { type BuildId, buildId } from "../../shared/brand.ts";
import { fromUtf8 } from "../../shared/bytes.ts";
import { Decoder } from "../../shared/decode.ts";
import { encodeJson, jsonObject, parseFiles } from "../../shared/json.ts";
import {
  MAX_MANIFEST_BYTES,
  MAX_ROOT_BYTES,
  MAX_ROOT_ROTATIONS,
  MAX_SMALL_VALUES,
  MAX_TARGETS_BYTES,
} from "../../shared/limits.ts";

/**
 * The file that is passed from signer to signer. It holds the metadata to sign, the signatures so far, and
 * all that a signer needs to check it without asking anyone. It comes from others, so nothing in it is
 * trusted without verification.
 */
export type SigningRequest = RootRequest | TargetsRequest;

interface Common {
  /** The chain of roots up to the one in force, oldest first, as received; empty before the first root. */
  readonly roots: readonly Uint8Array[];
  /** The file to sign, with the signatures so far. */
  readonly metadata: Uint8Array;
}

export interface RootRequest extends Common {
  readonly kind: "root";
}

export interface TargetsRequest extends Common {
  readonly kind: "targets";
  readonly buildId: BuildId;
  /** The version of targets that this one follows, or 0 for a kernel's first. */
  readonly base: number;
  readonly manifest: Uint8Array;
  /**
   * The files in force that were built upon; undefined for a kernel's first targets, and if nothing of those
   * in force is kept.
   */
  readonly previous: { readonly targets: Uint8Array; readonly manifest: Uint8Array } | undefined;
}

const FORMAT = 1;
/**
 * The largest request that is accepted: two manifests and two targets, escaped as JSON strings, and a chain
 * of small roots.
 */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

export function encodeRequest(request: SigningRequest): Uint8Array {
  const common = { format: FORMAT, kind: request.kind, roots: request.roots.map(fromUtf8) };
  const metadata = fromUtf8(request.metadata);
  if (request.kind === "root") return encodeJson(jsonObject({ ...common, metadata }));
  const previous = request.previous && {
    targets: fromUtf8(request.previous.targets),
    manifest: fromUtf8(request.previous.manifest),
  };
  const { buildId, base, manifest } = request;
  return encodeJson(
    jsonObject({
      ...common,
      build_id: buildId,
      base,
      metadata,
      manifest: fromUtf8(manifest),
      previous: previous ? jsonObject(previous) : null,
    }),
  );
}

/**
 * Decodes a request. The caller has already limited its size to MAX_REQUEST_BYTES.
 *
 * @throws RebootlessError `parse`.
 */
export function decodeRequest(bytes: Uint8Array): SigningRequest {
  const request = new Decoder(parseFiles(bytes, "request", MAX_SMALL_VALUES), "request");
  request.get("format").literal(FORMAT);
  const roots = request
    .get("roots")
    .array(MAX_ROOT_ROTATIONS)
    .map((root) => root.file(MAX_ROOT_BYTES));
  if (request.get("kind").string() === "root") return decodeRootRequest(request, roots);
  request.get("kind").literal("targets");
  return decodeTargetsRequest(request, roots);
}

type FileDecoder = Decoder<Uint8Array>;

function decodeRootRequest(request: FileDecoder, roots: readonly Uint8Array[]): RootRequest {
  onlyMembers(request, ["format", "kind", "roots", "metadata"]);
  return { kind: "root", roots, metadata: request.get("metadata").file(MAX_ROOT_BYTES) };
}

function decodeTargetsRequest(request: FileDecoder, roots: readonly Uint8Array[]): TargetsRequest {
  onlyMembers(request, ["format", "kind", "roots", "build_id", "base", "metadata", "manifest", "previous"]);
  const targets = (file: FileDecoder) => file.file(MAX_TARGETS_BYTES);
  const manifest = (file: FileDecoder) => file.file(MAX_MANIFEST_BYTES);
  const previous = request.get("previous").nullable((files) => ({
    targets: targets(files.get("targets")),
    manifest: manifest(files.get("manifest")),
  }));
  return {
    kind: "targets",
    roots,
    buildId: request.get("build_id").as(buildId),
    base: request.get("base").integer(0),
    metadata: targets(request.get("metadata")),
    manifest: manifest(request.get("manifest")),
    previous: previous ?? undefined,
  };
}

/**
 * Refuses members that are not known. A newer version may have put them there, and this one could not show
 * them to the signer.
 */
function onlyMembers(request: FileDecoder, names: readonly string[]): void {
  const [stranger] = [...request.object().keys()].filter((name) => !names.includes(name));
  if (stranger !== undefined) request.fail(`an unknown member: ${JSON.stringify(stranger)}`);
}
