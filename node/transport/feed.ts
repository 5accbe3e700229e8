import { isCode, RebootlessError } from "../../shared/errors.ts";

/** The answer to a request for a path of the feed. */
export type Fetched =
  | { readonly status: "ok"; readonly bytes: Uint8Array; readonly etag: string | undefined }
  | { readonly status: "not_modified" }
  | {
      readonly status: "not_found";
      /** The code in the edge's answer; none from a folder. */
      readonly code?: string | undefined;
    };

export interface FetchLimits {
  /** The most bytes that the answer may have, counted as they arrive. */
  readonly maxBytes: number;
  /** The tag of a file that is known: it is not sent again. */
  readonly etag?: string | undefined;
  /** True for a module, which is larger than metadata and may take longer. */
  readonly download?: boolean;
  /** Tells whether these are the right bytes: if one of several feeds has others, the next is asked. */
  readonly accepts?: (bytes: Uint8Array) => Promise<boolean>;
}

/** A feed to read from. @throws RebootlessError `unreachable` for anything but the file, "not modified" and "not found". */
export interface Feed {
  readonly url: string;
  get(path: string, limits: FetchLimits): Promise<Fetched>;
  /** The traffic of this run so far. */
  readonly traffic: Traffic;
}

export interface Traffic {
  /** Requests over the network. */
  readonly requests: number;
  /** Bytes of bodies, after decompression. */
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
