import { type BuildId, buildId } from "../brand.ts";
import { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject, parseFiles, parseJson } from "../json.ts";

/**
 * One kernel of a feed, as a list names it. A list is only a hint of which kernels to request; nothing in it
 * is trusted.
 */
export interface Listed {
  readonly buildId: BuildId;
  readonly release: string;
  /** The distribution, such as "Debian 12", or null. */
  readonly distribution: string | null;
  /** The version of targets. */
  readonly version: number;
}

/** Kernels in the order in which they changed last, each once. */
export interface Listing {
  readonly kernels: readonly Listed[];
  /** The value to ask with for all later changes. */
  readonly next: string;
  /** True if there are more changes already. */
  readonly more: boolean;
}

/** The number of kernels in one answer. */
export const LISTING_PAGE = 200;
export const MAX_LISTING_BYTES = 1024 * 1024;
const MAX_CURSOR = 64;
/**
 * The number of JSON values and names for one kernel. It has three or four members, and may be given more.
 */
const VALUES_OF_KERNEL = 16;

/**
 * Returns the path of a list of changes.
 * @param since `next` of the listing before; if undefined, the list is from the beginning.
 */
export const changesPath = (since: string | undefined): string =>
  since === undefined ? "kernels/changes" : `kernels/changes?since=${encodeURIComponent(since)}`;

export const listingToJson = ({ kernels, next, more }: Listing): JsonObject =>
  jsonObject({ schema: 1, kernels: kernels.map(listedToJson), next, more });

const listedToJson = ({ buildId: id, release, distribution, version }: Listed): JsonObject =>
  jsonObject({ build_id: id, release, distribution, version });

/** Decodes a listing. The caller has bounded the bytes (MAX_LISTING_BYTES). @throws ParseError */
export function decodeListing(bytes: Uint8Array): Listing {
  const listing = new Decoder(
    parseJson(bytes, "list of changes", VALUES_OF_KERNEL * LISTING_PAGE),
    "list of changes",
  );
  listing.get("schema").literal(1);
  return {
    kernels: listing.get("kernels").array(LISTING_PAGE).map(decodeListed),
    next: listing.get("next").string(MAX_CURSOR),
    more: listing.get("more").boolean(),
  };
}

const decodeListed = (line: Decoder): Listed => ({
  buildId: line.get("build_id").as(buildId),
  release: line.get("release").string(),
  distribution: line.get("distribution").nullable((text) => text.string()),
  version: line.get("version").integer(1),
});

/** The files of a kernel's metadata that are signed again although nothing was published. */
export interface Renewal {
  readonly buildId: BuildId;
  readonly timestamp: Uint8Array;
  readonly snapshot: Uint8Array;
}

/** The largest number of kernels in one question. Their build IDs fit into an address. */
export const MAX_RENEWALS = 50;
export const MAX_RENEWALS_BYTES = 4 * 1024 * 1024;
const MAX_RENEWED_FILE = 64 * 1024;

export const renewalsPath = (ids: readonly BuildId[]): string => `kernels/timestamps?ids=${ids.join(",")}`;

/** Returns the build IDs that a question names, or undefined if it is malformed. */
export function askedRenewals(ids: string | undefined): readonly BuildId[] | undefined {
  const texts = ids === undefined || ids.length > MAX_RENEWALS * 65 ? [] : ids.split(",");
  if (texts.length === 0 || texts.length > MAX_RENEWALS) return undefined;
  try {
    return texts.map(buildId);
  } catch {
    return undefined;
  }
}

/**
 * Encodes renewals, with each file byte for byte as a string.
 * @param kernels the kernels, encoded already.
 */
export const renewalsToJson = (
  kernels: readonly { readonly buildId: BuildId; readonly timestamp: string; readonly snapshot: string }[],
): JsonObject =>
  jsonObject({
    schema: 1,
    kernels: kernels.map(({ buildId: id, timestamp, snapshot }) =>
      jsonObject({ build_id: id, timestamp, snapshot }),
    ),
  });

/**
 * Decodes renewals. The caller has bounded the bytes.
 * @param max the largest number of kernels.
 * @throws ParseError
 */
export function decodeRenewals(bytes: Uint8Array, max: number = MAX_RENEWALS): readonly Renewal[] {
  const answer = new Decoder(parseFiles(bytes, "timestamps", VALUES_OF_KERNEL * max), "timestamps");
  answer.get("schema").literal(1);
  return answer
    .get("kernels")
    .array(max)
    .map((kernel) => ({
      buildId: kernel.get("build_id").as(buildId),
      timestamp: kernel.get("timestamp").file(MAX_RENEWED_FILE),
      snapshot: kernel.get("snapshot").file(MAX_RENEWED_FILE),
    }));
}
