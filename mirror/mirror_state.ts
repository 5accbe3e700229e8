import { gunzipSync, gzipSync } from "node:zlib";
import { sha256Of } from "../node/crypto.ts";
import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../shared/brand.ts";
import { utf8 } from "../shared/bytes.ts";
import { Decoder } from "../shared/decode.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import type { Index } from "../shared/feed/kernel_index.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import { formatInstant, type Instant, parseInstant } from "../shared/time.ts";
import { MAX_CHOSEN } from "./kernel_choice.ts";
import type { MirrorDir } from "./mirror_dir.ts";

/** The versions of a kernel that a mirror has: those of its targets and its timestamp. */
export interface MirroredVersions {
  readonly version: number;
  readonly timestamp: number;
}

/** The state of a mirror in short, so that another mirror can tell what it lacks. */
export interface MirrorState {
  /** The digest of the versions below, which is the same for two mirrors that have the same versions. */
  readonly digest: Sha256Hex;
  readonly at: Instant;
  readonly root: number;
  readonly kernels: ReadonlyMap<BuildId, MirroredVersions>;
  /** The first 16 digits of each artifact's digest. If two are alike, an import names the missing file. */
  readonly artifacts: ReadonlySet<string>;
}

const MAX_STATE_BYTES = 64 * 1024 * 1024;
const MAX_ARTIFACTS = 1_000_000;
/** The largest number of JSON values: a line and its three cells for each kernel, and the artifacts. */
const MAX_VALUES = 4 * MAX_CHOSEN + MAX_ARTIFACTS + 16;
export const SHORT_DIGEST = 16;

export async function stateOf(dir: MirrorDir, index: Index, root: number, at: Instant): Promise<MirrorState> {
  const kernels = new Map([...index].map(([id, { version, timestamp }]) => [id, { version, timestamp }]));
  const names = await dir.files.names("artifacts");
  const artifacts = new Set(names.map((name) => name.slice(0, SHORT_DIGEST)));
  return { digest: digestOf(root, kernels), at, root, kernels, artifacts };
}

/**
 * Returns the SHA-256 of `ROOT\n` and a line `BUILD-ID VERSION TIMESTAMP\n` for each kernel, ordered by build
 * ID.
 */
export function digestOf(root: number, kernels: ReadonlyMap<BuildId, MirroredVersions>): Sha256Hex {
  const lines = [...kernels].map(([id, { version, timestamp }]) => `${id} ${version} ${timestamp}\n`);
  return sha256Of(utf8(`${root}\n${lines.sort().join("")}`));
}

/** Returns the digest of a mirror's state after the import of everything that another mirror has. */
export function digestAfter(root: number, index: Index, since: MirrorState | undefined): Sha256Hex {
  const kernels = new Map<BuildId, MirroredVersions>([...(since?.kernels ?? []), ...index]);
  return digestOf(Math.max(root, since?.root ?? 0), kernels);
}

/**
 * Writes a state as JSON, compressed by gzip: 20,000 kernels with three modules each take about a megabyte.
 */
export function encodeState({ digest, at, root, kernels, artifacts }: MirrorState): Uint8Array {
  const lines = [...kernels].map(([id, { version, timestamp }]) => [id, version, timestamp]);
  const state = jsonObject({
    format: 1,
    digest,
    at: formatInstant(at),
    root,
    kernels: lines,
    artifacts: [...artifacts].sort(),
  });
  return gzipSync(encodeJson(state));
}

/** Decodes a state. @throws RebootlessError `usage` for bytes that are not a state. */
export async function decodeState(bytes: Uint8Array): Promise<MirrorState> {
  try {
    const json = gunzipSync(bytes, { maxOutputLength: MAX_STATE_BYTES });
    const state = new Decoder(parseJson(json, "state", MAX_VALUES), "state");
    state.get("format").literal(1);
    const root = state.get("root").integer(1);
    const kernels = new Map(state.get("kernels").array(MAX_CHOSEN).map(decodeLine));
    const digest = state.get("digest").as(sha256Hex);
    if (digestOf(root, kernels) !== digest) state.fail("its digest is another");
    const artifacts = new Set(
      state
        .get("artifacts")
        .array(MAX_ARTIFACTS)
        .map((name) => name.string(SHORT_DIGEST)),
    );
    return { digest, at: state.get("at").as(parseInstant), root, kernels, artifacts };
  } catch (cause) {
    if (!isCode(cause, "parse") && cause instanceof RebootlessError) throw cause;
    throw new RebootlessError("usage", "this is not the state of a mirror", {
      cause,
      hint: "`rebootless mirror state DIR -o STATE` writes one, on the mirror that the transfer goes to.",
    });
  }
}

function decodeLine(line: Decoder): readonly [BuildId, MirroredVersions] {
  const [id, version, timestamp] = line.array(3);
  if (!id || !version || !timestamp) return line.fail("cut short");
  return [id.as(buildId), { version: version.integer(1), timestamp: timestamp.integer(1) }];
}
