import { isCode, RebootlessError } from "../../shared/errors.ts";

/** The answer to a request for a path of the feed. */
export type Fetched =
  | { readonly status: "ok"; readonly bytes: Uint8Array; readonly etag: string | undefined }
  | { readonly status: "not_modified" }
  | {
      readonly status: "not_found";
      /** The code in the edge's answer. A folder has no codes. */
      readonly code?: string | undefined;
    };

export interface FetchLimits {
  /** The most bytes that the answer may have. They are counted as they arrive. */
  readonly maxBytes: number;
  /** The tag of a file that the caller has already. If it is still the same, the file is not sent. */
  readonly etag?: string | undefined;
  /** True for a module, which is larger than metadata and may take longer. */
  readonly download?: boolean;
  /** Tells whether the bytes are the right ones. If one of several feeds has other bytes, the next feed is asked. */
  readonly accepts?: (bytes: Uint8Array) => boolean;
}

/**
 * A feed to read from.
 *
 * @throws RebootlessError `unreachable` for every answer except the file, "not modified" and "not found".
 */
export interface Feed {
  readonly url: string;
  get(path: string, limits: FetchLimits): Promise<Fetched>;
  /** The traffic of this run so far. */
  readonly traffic: Traffic;
}

export interface Traffic {
  /** The number of requests over the network. */
  readonly requests: number;
  /** The number of bytes in bodies, after decompression. */
  readonly bytes: number;
}

export function unreachable(
  url: string,
  problem: string,
  cause?: unknown,
  details: RebootlessError["details"] = {},
): RebootlessError {
  return new RebootlessError("unreachable", `${url} ${problem}`, {
    cause,
    details,
    hint: "Nothing was changed; what is applied stays applied. Check the feed's address and the network.",
  });
}

/** Returns the error for an answer that is larger than the file may be. */
export const tooLong = (url: string, problem: string): RebootlessError =>
  unreachable(url, problem, undefined, { too_long: true });

/** Tells whether an error concerns one file alone, so that others may still be fetched. */
export const isTooLong = (error: unknown): error is RebootlessError =>
  isCode(error, "unreachable") && error.details["too_long"] === true;
