import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../shared/brand.ts";
import { Decoder } from "../shared/decode.ts";
import { RebootlessError } from "../shared/errors.ts";
import { decodeRenewals, type Renewal } from "../shared/feed/listing.ts";
import { feedPath } from "../shared/feed/paths.ts";
import { encodeJson, type JsonValue, jsonObject, parseJson } from "../shared/json.ts";
import { MAX_ARTIFACT_BYTES } from "../shared/limits.ts";
import { formatInstant, type Instant, parseInstant } from "../shared/time.ts";
import { MAX_CHOSEN } from "./kernel_choice.ts";

/** A file of a transfer. The list has the order of the archive. */
export interface TransferFile {
  readonly path: string;
  /** The length in bytes. */
  readonly length: number;
  readonly sha256: Sha256Hex;
}

/**
 * The contents of transfer.json, the first file of a transfer: the state that the transfer was made for, and
 * every file that follows. The file's own SHA-256 identifies the whole transfer, and two people compare it.
 */
export interface Transfer {
  readonly made: Instant;
  /** The state of the mirror that it goes to; null for any mirror. */
  readonly base: Sha256Hex | null;
  /** The state of that mirror after the import. */
  readonly result: Sha256Hex;
  /** The kernels whose feed.json it holds. */
  readonly kernels: readonly BuildId[];
  /** The number of kernels that were only signed again. */
  readonly renewed: number;
  readonly files: readonly TransferFile[];
}

export const TRANSFER = "transfer.json";
export const MAX_TRANSFER_BYTES = 128 * 1024 * 1024;
/**
 * The largest number of files. MAX_TRANSFER_BYTES has room for this many: a line has 163 bytes at most, and
 * each of MAX_CHOSEN kernels has 67.
 */
export const MAX_TRANSFER_FILES = 700_000;
/** The largest archive in bytes, which is the size of a large feed as a whole. */
export const MAX_ARCHIVE_BYTES = 1024 ** 4;
/** The largest number of bytes that tar adds to a file: a header and the padding of the last block. */
const TAR_OVERHEAD = 1024;
/** The largest number of JSON values: a line and its three cells for each file. */
const MAX_VALUES = 4 * MAX_TRANSFER_FILES + MAX_CHOSEN + 32;
/** The number of renewals that one file holds. */
export const RENEWALS_FILE = 1000;
export const MAX_RENEWALS_FILE_BYTES = 64 * 1024 * 1024;
export const renewalsFile = (number: number): string => `timestamps/${number}.json`;

/** The names that a transfer may hold. Nothing else is ever written anywhere. */
const PATH =
  /^(?:root\/[1-9]\d{0,8}\.root\.json|artifacts\/[0-9a-f]{64}|kernels\/(?:[0-9a-f]{2}){8,32}\/feed\.json|timestamps\/\d{1,6}\.json)$/;

export function encodeTransfer({ made, base, result, kernels, renewed, files }: Transfer): Uint8Array {
  const lines: JsonValue[] = files.map(({ path, length, sha256 }) => [path, length, sha256]);
  const transfer = { format: 1, made: formatInstant(made), base, result, kernels, renewed, files: lines };
  return encodeJson(jsonObject(transfer));
}

/**
 * Refuses files that are too many or too large for a transfer, both when one is written and when one is read.
 *
 * @throws RebootlessError `limit`.
 */
export function requireLimits(files: readonly { readonly length: number }[]): void {
  requireCount(files.length);
  const bytes = files.reduce((sum, { length }) => sum + length + TAR_OVERHEAD, MAX_TRANSFER_BYTES);
  if (bytes > MAX_ARCHIVE_BYTES) throw tooMuch(`${bytes} bytes`, MAX_ARCHIVE_BYTES);
}

function requireCount(files: number): void {
  if (files > MAX_TRANSFER_FILES) throw tooMuch(`${files} files`, MAX_TRANSFER_FILES);
}

const tooMuch = (what: string, max: number): RebootlessError =>
  new RebootlessError("limit", `a transfer of ${what}: it can hold at most ${max}`, {
    hint: "Carry less at once: from a mirror of fewer kernels, or with `--since` and the state of the other mirror.",
  });

/**
 * Decodes transfer.json.
 *
 * @throws ParseError
 * @throws RebootlessError `limit` for more than a transfer may hold.
 */
export function decodeTransfer(bytes: Uint8Array): Transfer {
  const transfer = new Decoder(parseJson(bytes, TRANSFER, MAX_VALUES), TRANSFER);
  transfer.get("format").literal(1);
  const lines = transfer.get("files").array(Number.POSITIVE_INFINITY);
  requireCount(lines.length);
  const files = lines.map(decodeFile);
  requireLimits(files);
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size !== files.length) transfer.fail("a file twice");
  const kernels = transfer
    .get("kernels")
    .array(MAX_CHOSEN)
    .map((id) => id.as(buildId));
  if (new Set(kernels).size !== kernels.length) transfer.fail("a kernel twice");
  const listed = new Set<string>(kernels.map(feedPath));
  const [without] = kernels.filter((id) => !paths.has(feedPath(id)));
  if (without !== undefined) transfer.fail(`kernel ${without} without its feed.json`);
  const [silent] = files.filter(({ path }) => path.startsWith("kernels/") && !listed.has(path));
  if (silent) transfer.fail(`${silent.path} of a kernel that it does not name`);
  return {
    made: transfer.get("made").as(parseInstant),
    base: transfer.get("base").nullable((digest) => digest.as(sha256Hex)),
    result: transfer.get("result").as(sha256Hex),
    kernels,
    renewed: transfer.get("renewed").integer(0),
    files,
  };
}

function decodeFile(line: Decoder): TransferFile {
  const [path, length, sha256] = line.array(3);
  if (!path || !length || !sha256) return line.fail("cut short");
  if (!PATH.test(path.string())) path.fail("no name of a file in a transfer");
  const max = path.string().startsWith("timestamps/") ? MAX_RENEWALS_FILE_BYTES : MAX_ARTIFACT_BYTES;
  return { path: path.string(), length: length.integer(0, max), sha256: sha256.as(sha256Hex) };
}

export const decodeRenewalsFile = (bytes: Uint8Array): readonly Renewal[] =>
  decodeRenewals(bytes, RENEWALS_FILE);
